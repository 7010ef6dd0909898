// SPDX-License-Identifier: Apache-2.0
// What is shown of the recording, as a row of breadcrumbs: ranges of time, process and thread, transforms, zoom and
// search, each with a button that takes it away.
import {button, el, fill} from './dom.js';
import {timeText} from './format.js';
import {transformText} from './transform.js';

/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./page.js').Context} Context */
/** @typedef {{kind: string, text: string, without: Partial<ViewState>, upTo?: Partial<ViewState>}} Crumb upTo: what a click on
 * it leaves */

/**
 * @param {ViewState} state @param {import('./functions.js').Functions} functions @param {import('./recording.js').Recording} recording
 * @returns {Crumb[]}
 */
export function crumbsOf(state, functions, recording) {
  /** @type {Crumb[]} */
  const crumbs = [];
  state.ranges.forEach(({from, to}, i) => crumbs.push({
    kind: 'range', text: `${timeText(from)} – ${timeText(to)}`, without: {ranges: state.ranges.filter((_, at) => at !== i)},
    upTo: {ranges: state.ranges.slice(0, i + 1)},
  }));
  if (state.process >= 0) crumbs.push({kind: 'process', text: recording.processName(state.process), without: {process: -1, thread: -1}});
  if (state.thread >= 0) crumbs.push({kind: 'thread', text: recording.threadName(state.thread), without: {thread: -1}});
  state.transforms.forEach((transform, i) => crumbs.push({
    kind: 'transform', text: transformText(transform, functions), without: {transforms: state.transforms.filter((_, at) => at !== i), zoom: []},
    upTo: {transforms: state.transforms.slice(0, i + 1), zoom: []},
  }));
  const zoomed = state.zoom[state.zoom.length - 1];
  if (zoomed !== undefined && zoomed < functions.count) crumbs.push({kind: 'zoom', text: functions.name(zoomed), without: {zoom: []}});
  if (state.search !== '') crumbs.push({kind: 'search', text: state.search, without: {search: ''}});
  return crumbs;
}

/** @param {Context} context @returns {import('./page.js').Part} */
export function makeBreadcrumbs(context) {
  const {functions, model, store} = context;
  const list = el('ol', {});
  const element = el('nav', {class: 'crumbs', 'aria-label': 'What is shown'}, list);
  const nothing = {ranges: [], process: -1, thread: -1, transforms: [], zoom: [], search: ''};
  let shown = '';

  const crumbItem = (/** @type {Crumb} */ {kind, text, without, upTo}) => {
    const label = `${kind} ${text}`;
    const name = upTo ? button(text, () => store.set(upTo), {class: 'crumb-text', title: `${label}: leave out what comes after it`}) :
      el('span', {class: 'crumb-text', title: label}, text);
    const remove = button('×', () => {
      store.set(without);
      context.announce(`Removed: ${label}`);
      // Its button is gone; the focus stays in the row.
      /** @type {HTMLElement|null} */ (element.querySelector('button'))?.focus();
    }, {class: 'crumb-remove', 'aria-label': `Remove ${label}`, title: 'remove'});
    return el('li', {class: `crumb crumb-${kind}`}, el('span', {class: 'crumb-kind'}, kind), name, remove);
  };
  return {
    element,
    update(state) {
      const crumbs = crumbsOf(state, functions, model.recordings[0]);
      const key = JSON.stringify(crumbs);
      if (key === shown) return;
      shown = key;
      fill(list, el('li', {class: 'crumb-all'}, button('Everything', () => store.set(nothing),
          {disabled: crumbs.length === 0, title: 'take all of them away'})), ...crumbs.map(crumbItem));
    },
  };
}
