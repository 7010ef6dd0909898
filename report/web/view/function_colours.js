// SPDX-License-Identifier: Apache-2.0
// The colours that functions have in all views.
import {kindScheme, moduleScheme} from './colour.js';
import {defaultState} from './state.js';

/** @param {import('./state.js').ViewState} state */
export function isDark({theme}) {
  return theme === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
}

// Functions keep their colours whatever part of the recordings is looked at.
/** @param {import('./model.js').Model} model @param {'module'|'kind'} by @param {boolean} dark @returns {import('./colour.js').Scheme} */
export function functionColours(model, by, dark) {
  return model.keep(['function colours', by, dark], () => {
    const everything = {...defaultState(), metric: model.recordings[0].meta.default_metric};
    const tables = model.recordings.map((_, which) => model.functionTable(everything, which).self);
    const self = tables[0].map((_, f) => tables.reduce((sum, table) => sum + table[f], 0));
    return (by === 'kind' ? kindScheme : moduleScheme)(model.functions, self, dark);
  });
}
