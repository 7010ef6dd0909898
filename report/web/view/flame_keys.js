// SPDX-License-Identifier: Apache-2.0
// The keys of the flame graph.
import {setOrder, toggleInverted} from './flame_toolbar.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./flame_panel.js').FlamePanel} FlamePanel */
/** @typedef {import('./state.js').ViewState} ViewState */

const kColours = /** @type {ViewState['colour'][]} */ (['module', 'kind', 'cost']);

/** @param {Context} context @param {() => FlamePanel} panel that has the keyboard @param {HTMLElement} graphs */
export function makeFlameKeys(context, panel, graphs) {
  const {store} = context;
  // Buttons and tabs have a use of their own for arrows and Enter.
  const isOurs = (/** @type {Event} */ {target}) => !(target instanceof HTMLElement) || target === document.body || target.localName === 'main' || graphs.contains(target);
  const onGraph = (/** @type {string} */ key, /** @type {string} */ text, /** @type {(panel: FlamePanel) => void} */ action) => ({
    key, text, action: () => {
      if (!panel().scene) return false;  // in a window too small for it
      action(panel());
      return true;
    },
  });
  const onFrame = (/** @type {string} */ key, /** @type {string} */ text, /** @type {(panel: FlamePanel) => void} */ action) => {
    const binding = onGraph(key, text, action);
    return {...binding, action: (/** @type {KeyboardEvent} */ event) => isOurs(event) && binding.action()};
  };
  const endSearch = () => {
    const wasOn = store.state.search !== '';
    store.set({search: ''});
    return wasOn;
  };
  const flame = () => store.state.form === 'flame';
  const toCaller = (/** @type {FlamePanel} */ each) => each.moveCursor(each.layout().parent[each.cursor]);
  const toCallee = (/** @type {FlamePanel} */ each) => each.moveCursor(each.layout().firstChild(each.cursor));
  const beside = (/** @type {number} */ step) => (/** @type {FlamePanel} */ each) => each.moveCursor(each.layout().beside(each.cursor, step));
  return [
    onFrame('ArrowUp', 'frame above', (each) => (flame() ? toCallee : toCaller)(each)),
    onFrame('ArrowDown', 'frame below', (each) => (flame() ? toCaller : toCallee)(each)),
    onFrame('ArrowLeft', 'frame to the left', beside(-1)),
    onFrame('ArrowRight', 'frame to the right', beside(1)),
    onFrame('Home', 'the root', (each) => each.moveCursor(0)),
    onFrame('End', 'the zoomed frame', (each) => each.moveCursor(each.layout().rowStart[each.layout().zoomRow])),
    onFrame('Enter', 'zoom to the frame', (each) => each.zoomTo(each.cursor)),
    {key: 'Backspace', text: 'zoom out to the caller', action: () => panel().zoomOut()},
    {key: 'Escape', text: 'zoom out to the caller, then end the search', action: () => panel().zoomOut() || endSearch()},
    {key: '0', text: 'show everything', action: () => store.set({zoom: []})},
    onGraph('m', 'what to do with the frame', (each) => each.openMenu(each.cursor, null)),
    onGraph('n', 'next match', (each) => stepMatch(context, each, 1)),
    onGraph('N', 'previous match', (each) => stepMatch(context, each, -1)),
    {key: 'i', text: 'icicle or flame', action: () => store.set({form: flame() ? 'icicle' : 'flame'})},
    {key: 'o', text: 'left-heavy or in time', action: () => setOrder(context, store.state.order === 'time' ? 'heavy' : 'time')},
    {key: 'v', text: 'inverted', action: () => toggleInverted(context)},
    {key: 'c', text: 'colour by module, kind or cost', action: () =>
      store.set({colour: kColours[(kColours.indexOf(store.state.colour) + 1) % kColours.length]})},
  ];
}

/** Goes to the next (1) or previous (-1) frame that matches, in reading order.
 * @param {Context} context @param {FlamePanel} panel @param {number} step */
function stepMatch({model, store, announce}, panel, step) {
  const matches = model.matches(store.state, panel.which);
  const {tree, node, hidden, count} = panel.layout();
  const found = [];
  for (let at = 0; at < count; at++) if (hidden[at] === 0 && node[at] !== 0 && matches.test(tree.func(node[at]))) found.push(at);
  if (found.length === 0) {
    announce(matches.active ? 'No frame that is drawn matches' : 'No search');
    return;
  }
  const later = found.findIndex((at) => step > 0 ? at > panel.cursor : at >= panel.cursor);
  const to = step > 0 ? Math.max(later, 0) : ((later < 0 ? found.length : later) - 1 + found.length) % found.length;
  panel.moveCursor(found[to]);
  announce(`Match ${to + 1} of ${found.length} drawn`);
}
