// SPDX-License-Identifier: Apache-2.0
// The colours of functions as the flame graph has them, for other views.
import {moduleScheme} from './colour.js';
import {defaultState} from './state.js';

/** @param {import('./state.js').ViewState} state */
export function isDark({theme}) {
  return theme === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
}

// Modules keep their colours whatever part of the recording is looked at.
/** @param {import('./model.js').Model} model @param {boolean} dark @returns {import('./colour.js').Scheme} */
export function moduleColours(model, dark) {
  return model.keep(['module scheme', dark], () => {
    const everything = {...defaultState(), metric: model.recordings[0].meta.default_metric};
    return moduleScheme(model.functions, model.functionTable(everything).self, dark);
  });
}
