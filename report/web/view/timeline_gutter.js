// SPDX-License-Identifier: Apache-2.0
// The labels at the left of the timeline's rows. Those of threads and processes are buttons that pick them; a picked
// one gives up the pick.

import {el, fill} from './dom.js';
import {timeText} from './format.js';
import {regionExtent} from './region_lanes.js';
import {moreText} from './timeline_text.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./timeline_layout.js').TimelineRow} TimelineRow */

export class TimelineGutter {
  /** @param {import('./page.js').Context} context */
  constructor(context) {
    this.context = context;
    this.element = el('div', {class: 'timeline-gutter', role: 'group', 'aria-label': 'Rows of the timeline'});
    this.drawn = '';
  }

  /** @param {Recording} recording @param {{rows: TimelineRow[], height: number}} layout @param {import('./timeline_cells.js').TimelineCells} cells @param {import('./state.js').ViewState} state */
  update(recording, {rows, height}, cells, state) {
    const text = JSON.stringify([recording.meta.title, rows, state.process, state.thread, state.extra]);
    if (text === this.drawn) return;  // a button that has the focus keeps it
    this.drawn = text;
    const focused = document.activeElement instanceof HTMLElement && this.element.contains(document.activeElement) ? document.activeElement.dataset.row : undefined;
    this.element.style.height = `${height}px`;
    fill(this.element, ...rows.map((row) => this.label(recording, row, cells, state)));
    if (focused) /** @type {HTMLElement|null} */ (this.element.querySelector(`[data-row="${focused}"]`))?.focus();
  }

  /** @param {Recording} recording @param {TimelineRow} row @param {import('./timeline_cells.js').TimelineCells} cells @param {import('./state.js').ViewState} state */
  label(recording, row, cells, state) {
    const {store} = this.context;
    const box = {style: `top:${row.y}px;height:${row.height}px`, 'data-row': `${row.kind}-${row.index}`};
    switch (row.kind) {
      case 'cpu': return el('div', {...box, class: 'timeline-label'}, 'Processors in use');
      case 'memory': return el('div', {...box, class: 'timeline-label memory'}, this.lineButton('heap', 'Heap live', state), this.lineButton('resident', 'Resident', state));
      case 'thread': {
        const thread = inFirst(this.context.model.recordings[0].threads, recording.threads, row.index);
        const picked = state.thread === row.index;
        return this.pick({...box, disabled: thread < 0}, recording.threadName(row.index), timeText(cells.cpuOf(row.index)), picked, () => store.set({thread: picked ? -1 : thread}), 'thread');
      }
      case 'region': {
        const region = recording.regions[row.index];
        const extent = regionExtent(recording, row.index, state);
        return el('button', {...box, type: 'button', class: 'timeline-label pick', disabled: !extent, style: `${box.style};padding-left:${8 + 10 * Math.min(region.depth, 6)}px`,
          title: `${region.path}: look at the time from its first begin to its last end`,
          onclick: () => extent && store.set({ranges: [...state.ranges, {from: Math.floor(extent.from), to: Math.ceil(extent.to)}]})},
        el('span', {class: 'name'}, region.name), el('span', {class: 'dim'}, timeText(region.wall_ns)));
      }
      case 'process': {
        const process = inFirst(this.context.model.recordings[0].processes, recording.processes, row.index);
        const picked = state.process === row.index;
        const indent = 8 + 10 * Math.min(row.row ? row.row.depth : 0, 6);
        return this.pick({...box, disabled: process < 0, style: `${box.style};padding-left:${indent}px`}, recording.processName(row.index), '', picked,
            () => store.set({process: picked ? -1 : process, thread: -1}), 'process');
      }
      default: {
        const what = row.kind === 'more-threads' ? 'thread' : row.kind === 'more-regions' ? 'region' : 'process';
        const key = row.kind.replace('more-', 'timeline.');
        const all = state.extra[key] === 'all';
        return el('button', {...box, type: 'button', class: 'timeline-label more', 'aria-expanded': String(all),
          onclick: () => store.setExtra(key, all ? '' : 'all', {push: false})}, `${all ? '▾ fewer' : `▸ ${moreText(row, what)}`}`);
      }
    }
  }

  // Hides a line, so that the other one has the whole height; not both.
  /** @param {'heap'|'resident'} line @param {string} text @param {import('./state.js').ViewState} state */
  lineButton(line, text, state) {
    const hidden = state.extra['timeline.without'];
    return el('button', {'type': 'button', 'class': 'memory-line', 'data-row': `line-${line}`, 'aria-pressed': String(hidden !== line), 'title': 'show or hide this line',
      'onclick': () => this.context.store.setExtra('timeline.without', hidden ? '' : line, {push: false})}, el('i', {class: `swatch ${line}`}), text);
  }

  /** @param {Record<string, any>} box @param {string} name @param {string} value @param {boolean} picked @param {() => void} pick @param {string} what */
  pick(box, name, value, picked, pick, what) {
    return el('button', {...box, type: 'button', class: 'timeline-label pick', 'aria-pressed': String(picked), onclick: pick,
      title: `${name}: ${picked ? 'show all again' : `show only this ${what}`}`}, el('span', {class: 'name'}, name), value ? el('span', {class: 'dim'}, value) : null);
  }
}

// Filters are of the first recording: of the second one's threads and processes, those of the same name.
/** @param {{name: string}[]} first @param {{name: string}[]} here @param {number} index */
function inFirst(first, here, index) {
  return first === here ? index : first.findIndex((each) => each.name === here[index].name);
}
