// SPDX-License-Identifier: Apache-2.0
// The colours that functions have in all views.
import {kindScheme, moduleScheme} from './colour.js';
import {defaultState} from './state.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./state.js').ViewState} ViewState */

/** @param {ViewState} state */
export function isDark({theme}) {
  return theme === 'auto' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
}

// Functions keep these colours whatever part of the recording is looked at.
/** @param {Model} model @param {ViewState} state @returns {import('./colour.js').Scheme} by kind or, also where the flame graph is coloured by cost, by module */
export function functionColours(model, state) {
  const dark = isDark(state);
  const colour = state.colour === 'kind' ? 'kind' : 'module';
  return model.once(`${colour} scheme ${dark}`, () => {
    const everything = {...defaultState(), metric: model.recordings[0].meta.default_metric};
    const tables = model.recordings.map((_, which) => model.functionTable(everything, which).self);
    const self = tables[0].map((_, f) => tables.reduce((sum, table) => sum + table[f], 0));
    return (colour === 'kind' ? kindScheme : moduleScheme)(model.functions, self, dark);
  });
}

/** @param {Model} model @param {ViewState} state @returns {(f: number) => string} of a function's swatch */
export function swatchColours(model, state) {
  const {inks, of} = functionColours(model, state);
  return (f) => inks[of[f]].fill;
}
