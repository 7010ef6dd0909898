// SPDX-License-Identifier: Apache-2.0
// The flame graph for those who cannot see it: a tree of which the frame that the keyboard is on, its callers, the frames
// beside it and its callees are items. A canvas has no elements that a screen reader could go to.
import {el, fill} from './dom.js';

/** @typedef {import('./flame_layout.js').FlameLayout} FlameLayout */

const kMostBeside = 30;

export class FlameOutline {
  /** @param {string} id of the graph, unique in the page @param {(at: number) => void} activate */
  constructor(id, activate) {
    this.id = id;
    this.activate = activate;
    this.element = el('div', {class: 'visually-hidden'});
  }

  /** @param {FlameLayout} layout @param {number} cursor index in it @param {(at: number) => string} sentenceOf
   * @returns {string} the id of the cursor's item */
  update(layout, cursor, sentenceOf) {
    const callers = [];
    for (let at = layout.parent[cursor]; at >= 0; at = layout.parent[at]) callers.unshift(at);
    const beside = this.siblings(layout, cursor);
    const callees = layout.firstChild(cursor);
    const items = callers.map((at) => this.item(layout, at, cursor, sentenceOf));
    for (const at of this.around(beside, cursor)) {
      items.push(this.item(layout, at, cursor, sentenceOf));
      if (at !== cursor || callees < 0) continue;
      for (const below of this.siblings(layout, callees).slice(0, kMostBeside)) items.push(this.item(layout, below, cursor, sentenceOf));
    }
    fill(this.element, ...items);
    return `${this.id}-${cursor}`;
  }

  /** Those with the same caller. @param {FlameLayout} layout @param {number} at @returns {number[]} */
  siblings({parent, rowStart}, at) {
    if (parent[at] < 0) return [at];
    let first = at;
    let last = at;
    while (first > 0 && parent[first - 1] === parent[at]) first--;
    while (last + 1 < rowStart[rowStart.length - 1] && parent[last + 1] === parent[at]) last++;
    return Array.from({length: last - first + 1}, (_, i) => first + i);
  }

  /** @param {number[]} list @param {number} at */
  around(list, at) {
    const start = Math.max(0, list.indexOf(at) - kMostBeside / 2);
    return list.slice(start, start + kMostBeside);
  }

  /** @param {FlameLayout} layout @param {number} at @param {number} cursor @param {(at: number) => string} sentenceOf */
  item(layout, at, cursor, sentenceOf) {
    const siblings = this.siblings(layout, at);
    const hasCallees = layout.hidden[at] === 0 && layout.firstChild(at) >= 0;
    return el('div', {
      id: `${this.id}-${at}`, role: 'treeitem', 'aria-level': layout.rowOf(at) + 1, 'aria-setsize': siblings.length,
      'aria-posinset': siblings.indexOf(at) + 1, 'aria-selected': String(at === cursor), 'aria-expanded': hasCallees ? 'true' : null,
      onclick: () => this.activate(at),
    }, sentenceOf(at));
  }
}
