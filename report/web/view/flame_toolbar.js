// SPDX-License-Identifier: Apache-2.0
// The flame graph's controls, and the legend of its colours.
import {button, choiceGroup, el, fill} from './dom.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */

export const kRowHeights = {compact: 15, normal: 19, large: 24};

/** @param {ViewState} state @returns {number} */
export function rowHeightOf(state) {
  return kRowHeights[/** @type {keyof typeof kRowHeights} */ (state.extra['flame.rows'])] || kRowHeights.normal;
}

/** @param {Context} context @param {() => void} zoomOut @returns {import('./page.js').Part} */
export function makeFlameToolbar(context, zoomOut) {
  const {model, store} = context;
  const form = choiceGroup('Direction', [
    {value: 'icicle', text: 'Icicle', title: 'callers above callees (i)'}, {value: 'flame', text: 'Flame', title: 'callees above callers (i)'},
  ], (value) => store.set({form: /** @type {ViewState['form']} */ (value)}));
  const order = choiceGroup('Order', [
    {value: 'heavy', text: 'Left-heavy', title: 'the heaviest first (o)'}, {value: 'time', text: 'In time', title: 'as it happened, thread by thread (o)'},
  ], (value) => setOrder(context, value));
  const inverted = button('Inverted', () => toggleInverted(context), {title: 'functions by their own cost, with their callers (v)'});
  const colour = choiceGroup('Colour', [
    {value: 'module', text: 'Module', title: 'colour by module (c)'}, {value: 'kind', text: 'Kind', title: 'colour by kind of code (c)'},
    {value: 'cost', text: 'Cost', title: "colour by the function's own cost (c)"},
  ], (value) => store.set({colour: /** @type {ViewState['colour']} */ (value)}));
  const rows = el('select', {'aria-label': 'Row height', title: 'row height', onchange: () => store.setExtra('flame.rows', rows.value === 'normal' ? '' : rows.value)},
      ...Object.keys(kRowHeights).map((name) => el('option', {value: name}, `${name[0].toUpperCase()}${name.slice(1)} rows`)));
  const out = button('Zoom out', zoomOut, {title: 'to the caller (Backspace)'});
  const reset = button('Show all', () => store.set({zoom: []}), {title: 'everything (0)'});
  const colourLabel = el('span', {class: 'dim'}, 'Colour');
  return {
    element: el('div', {class: 'row flame-toolbar', role: 'toolbar', 'aria-label': 'Flame graph'}, form.element, order.element, inverted, out, reset,
        el('span', {class: 'spacer'}), colourLabel, colour.element, rows),
    update(state) {
      const canBeInTime = model.canBeInTime(state) && state.compare !== 'difference';
      form.update(state.form);
      order.update(canBeInTime ? state.order : 'heavy');
      for (const each of order.element.querySelectorAll('button')) {
        each.disabled = !canBeInTime;
        if (!canBeInTime) each.title = state.compare === 'difference' ? 'two recordings have no common time' : 'what is live at a moment has no order in time';
      }
      inverted.disabled = canBeInTime && state.order === 'time';
      inverted.setAttribute('aria-pressed', String(state.inverted && !inverted.disabled));
      colour.update(state.colour);
      colour.element.hidden = colourLabel.hidden = state.compare === 'difference' && model.recordings.length > 1;
      rows.value = state.extra['flame.rows'] || 'normal';
      out.disabled = reset.disabled = state.zoom.length === 0;
    },
  };
}

/** Stacks begin with threads in order of time: what is zoomed to in one order is not in the other.
 * @param {Context} context @param {string} order */
export function setOrder({store}, order) {
  store.set({order: order === 'time' ? 'time' : 'heavy', zoom: []});
}

/** @param {Context} context */
export function toggleInverted({store, announce}) {
  const inverted = !store.state.inverted;
  store.set({inverted, zoom: []});
  announce(inverted ? 'Inverted: functions by their own cost, with their callers' : 'Not inverted: from the root');
}

/** What colours mean. */
export class FlameLegend {
  constructor() {
    this.list = el('ul', {class: 'legend', 'aria-label': 'Colours'});
    this.note = el('span', {class: 'dim flame-note'});
    this.element = el('div', {class: 'flame-foot'}, this.list, this.note);
  }

  /** @param {{label: string, ink: import('./colour.js').Ink, hatched?: boolean}[]} entries */
  update(entries) {
    fill(this.list, ...entries.map(({label, ink, hatched}) => {
      const swatch = el('span', {class: hatched ? 'swatch hatched' : 'swatch'});
      swatch.style.backgroundColor = ink.fill;
      return el('li', {}, swatch, label);
    }));
  }
}
