// SPDX-License-Identifier: Apache-2.0
// What is below an opened row of the leak table: the call path, who holds the blocks, what is behind them, whose they
// are, and where to look further.

import {button, el} from './dom.js';
import {functionNamed} from './finding_links.js';
import {shorten} from './flame_text.js';
import {amountText, holderText, originText, shortFile, sizeText} from './leak_rows.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./place_menus.js').PlaceMenus} PlaceMenus */
/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./leak_rows.js').LeakRow} LeakRow */
/** @typedef {import('./leak_rows.js').LeakFrame} LeakFrame */

const kHoldersShown = 12;
const kOfEach = 6;
const kFrameRoom = 110;  // characters

/** @param {Context} context @param {PlaceMenus} menus @param {Recording} recording @param {LeakRow} row */
export function leakDetails(context, menus, recording, row) {
  const {site} = row;
  const path = pathOfSite(recording, row);
  const holders = site.holders.slice(0, kHoldersShown);
  return el('div', {class: 'leak-details'},
      el('div', {},
          el('h3', {}, 'Allocated by'),
          el('ol', {class: 'frames'}, ...site.stack.map((frame, i) => menus.mark(frameItem(context, recording, frame, i === row.place), frameOf(context, frame, path, i)))),
          links(context, recording, row)),
      el('div', {},
          site.holders.length > 0 ? el('h3', {}, site.verdict === 'indirectly_lost' ? 'Behind' : 'Held by') : null,
          site.holders.length > 0 ? el('ul', {class: 'holders'}, ...holders.map((holder) => el('li', {},
              el('code', {}, holderText(holder)), site.holders.length > 1 ? el('span', {class: 'dim'}, `  ${amountText(holder)}`) : null,
              holder.kind === 'block' && holder.stack ? el('details', {}, el('summary', {}, 'its call path'),
                  el('ol', {class: 'frames'}, ...holder.stack.map((frame) => menus.mark(frameItem(context, recording, frame, false), frameOf(context, frame, [], 0))))) : null)),
          site.holders.length > holders.length ? el('li', {class: 'dim'}, `and ${site.holders.length - holders.length} more holders`) : null) : null,
          site.indirectly_lost_blocks > 0 ? el('h3', {}, 'Behind it') : null,
          site.indirectly_lost_blocks > 0 ? el('p', {}, `${amountText({bytes: site.indirectly_lost_bytes, blocks: site.indirectly_lost_blocks})} that only it leads to`) : null,
          el('h3', {}, 'Blocks'),
          el('p', {}, `${amountText(site)}, ${sizeText(site)}; ${originText(site, recording.durationNs)}`),
          el('p', {class: 'dim'}, `by ${someOf(site.threads.map(({tid, name}) => (name ? `${name} [${tid}]` : `thread ${tid}`)))} in ${someOf(site.processes.map(({pid, program}) => `${program} [${pid}]`))}` +
              (site.inherited ? '; live before the fork of its process' : '')),
          site.suppression ? el('p', {class: 'dim'}, `suppressed by “${site.suppression.name}” (${shortFile(site.suppression.file)}:${site.suppression.line})`) : null));
}

/** @param {string[]} names */
function someOf(names) {
  return names.slice(0, kOfEach).join(', ') + (names.length > kOfEach ? ` and ${names.length - kOfEach} more` : '');
}

/** @param {Context} context @param {Recording} recording @param {LeakFrame} frame @param {boolean} isPlace */
function frameItem({store, functions}, recording, frame, isPlace) {
  const func = functionNamed(functions, frame.function, frame.module);
  const name = el('code', {title: frame.function}, shorten(frame.function, kFrameRoom));
  return el('li', {class: isPlace ? 'is-place' : null},
      func >= 0 ? el('button', {type: 'button', class: 'link', title: 'show in the callers and callees', onclick: () => store.set({view: 'sandwich', func, metric: leakMetric(recording)})}, name) : name,
      el('span', {class: 'dim', title: frame.file || frame.module}, frame.line ? `${shortFile(frame.file)}:${frame.line}` : frame.module));
}

/** @param {Recording} recording @param {LeakRow} row @returns {number[]} functions, root first */
function pathOfSite(recording, {site}) {
  const path = (site.path || []).map((f) => recording.functionOf[f]);
  return path.every((f) => f >= 0) ? path : [];  // the page does not know all of them
}

// The frame that is `out` further out than the leaf. The path is of the stack with the process and what inlining added.
/** @param {Context} context @param {LeakFrame} frame @param {number[]} path @param {number} out @returns {import('./frame_menu.js').MenuFrame} */
function frameOf({functions}, frame, path, out) {
  const func = functionNamed(functions, frame.function, frame.module);
  const end = path.length - out;
  return path[end - 1] === func ? {func, path: path.slice(0, end)} : {func};
}

/** @param {Recording} recording */
function leakMetric(recording) {
  return recording.has('leaked') ? 'leaked' : 'live';
}

/** @param {Context} context @param {Recording} recording @param {LeakRow} row */
function links({store}, recording, row) {
  const {site, group} = row;
  const path = pathOfSite(recording, row);
  if (path.length === 0) return null;
  const func = path[path.length - 1];
  const metric = group === 'definitely_lost' || group === 'indirectly_lost' ? leakMetric(recording) : 'live';
  return el('p', {class: 'links'},
      button('Flame graph', () => store.set({view: 'flame', metric, zoom: path, transforms: [], func}), {class: 'small', title: 'this call path in the flame graph'}),
      button('When it was allocated', () => store.set({ranges: [{from: Math.max(0, Math.floor(site.first_ns) - 1), to: Math.max(Math.ceil(site.last_ns), Math.floor(site.first_ns)) + 1}]}),
          {class: 'small', title: 'take the time from the first to the last of these allocations as the range'}));
}
