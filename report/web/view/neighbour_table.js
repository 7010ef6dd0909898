// SPDX-License-Identifier: Apache-2.0
// NeighbourTable: the callers of a function, or what it calls, with how much of the function's total each has.
import {percentText} from './format.js';
import {swatchColours} from './function_colours.js';
import {metricOf, valueText} from './metrics.js';
import {openFrameMenu} from './frame_menu.js';
import {orderRows} from './row_order.js';
import {fillBar, fillName, fillText, sortOf, sortText} from './table_cells.js';
import {VirtualTable} from './virtual_table.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./sandwich_trees.js').Neighbour} Neighbour */
/** @typedef {import('./virtual_table.js').Column} Column */

export class NeighbourTable {
  /** @param {Context} context @param {{label: string, nobody: string, empty: string}} words nobody: what function -1 is called
   * @param {number} recordings 1, or 2 to be compared @param {(f: number) => void} go */
  constructor(context, words, recordings, go) {
    this.context = context;
    this.words = words;
    this.recordings = recordings;
    this.state = context.store.state;
    /** @type {Neighbour[]} */
    this.rows = [];
    this.whole = [0, 0];
    this.scale = 1;
    /** @type {(f: number) => boolean} */
    this.isMatch = () => false;
    /** @type {(f: number) => string} */
    this.colourOf = () => '';
    this.columns = this.makeColumns();
    this.sort = '';
    this.table = new VirtualTable({
      label: words.label, columns: this.columns, nameWidth: 180, empty: words.empty,
      onSort: (key, descending) => {
        this.sort = sortText(key, descending, this.columns);
        this.lay();
      },
      onActivate: (row) => { if (this.rows[row].f >= 0) go(this.rows[row].f); },
      onSelect: (row) => context.announce(this.describe(row)),
      onMenu: (row, x, y) => { if (this.rows[row].f >= 0) openFrameMenu(context, {func: this.rows[row].f}, x, y); },
    });
    this.element = this.table.element;
  }

  /** @returns {Column[]} */
  makeColumns() {
    const value = (/** @type {number} */ amount) => (amount === 0 ? '' : valueText(this.state.metric, amount));
    const of = (/** @type {number} */ row, /** @type {number} */ which) => this.rows[row].values[which] * (which === 1 ? this.scale : 1);
    const share = (/** @type {number} */ row) => (this.whole[0] > 0 ? this.rows[row].values[0] / this.whole[0] : 0);
    const change = (/** @type {number} */ row) => of(row, 1) - of(row, 0);
    const side = (/** @type {number} */ which, /** @type {string} */ key, /** @type {string} */ title) => /** @type {Column} */ ({
      key, title, width: 86, number: true, sortable: true, text: (row) => of(row, which), fill: (cell, row) => fillText(cell, value(of(row, which))),
    });
    const values = this.recordings === 1 ? [side(0, 'value', 'Value'), /** @type {Column} */ ({
      key: 'share', title: 'Part', help: 'of the function\'s total', width: 88, number: true, text: (row) => (share(row) * 100).toFixed(3),
      fill: (cell, row) => fillBar(cell, percentText(share(row)), share(row)),
    })] : [side(0, 'value', 'Base'), side(1, 'newer', 'New'), /** @type {Column} */ ({
      key: 'change', title: 'Change', width: 92, number: true, sortable: true, text: change,
      fill: (cell, row) => fillText(cell, (change(row) > 0 ? '+' : '') + value(change(row))),
    })];
    return [...values, {key: 'name', title: 'Function', width: 0, sortable: true, text: (row) => this.nameOf(row), fill: (cell, row) => {
      const {f} = this.rows[row];
      fillName(cell, {name: this.nameOf(row), colour: f < 0 ? '' : this.colourOf(f), hit: f >= 0 && this.isMatch(f)});
    }}, {key: 'module', title: 'Module', width: 120, from: 560, text: (row) => this.moduleOf(row), fill: (cell, row) => fillText(cell, this.moduleOf(row))}];
  }

  /** @param {number} row */
  nameOf(row) { return this.rows[row].f < 0 ? this.words.nobody : this.context.functions.name(this.rows[row].f); }
  /** @param {number} row */
  moduleOf(row) { return this.rows[row].f < 0 ? '' : this.context.functions.module(this.rows[row].f); }
  /** @param {number} row */
  describe(row) {
    return `${this.nameOf(row)}: ${this.rows[row].values.map((value) => valueText(this.state.metric, value)).join(' → ')} ${metricOf(this.state.metric).title}`;
  }

  /** @param {ViewState} state @param {Neighbour[]} rows @param {number[]} whole the function's total, by recording @param {number} scale of the second recording */
  update(state, rows, whole, scale) {
    this.state = state;
    this.given = rows;
    this.whole = whole;
    this.scale = scale;
    this.isMatch = this.context.model.matches(state).test;
    this.colourOf = swatchColours(this.context.model, state);
    this.lay();
  }

  lay() {
    const rows = this.given || [];
    const {key, descending} = sortOf(this.sort, this.columns, this.recordings === 1 ? 'value' : 'change');
    this.rows = rows;
    const order = rows.map((_, i) => i);
    if (key === 'name') order.sort((a, b) => (descending ? -1 : 1) * (this.nameOf(a) < this.nameOf(b) ? -1 : 1));
    const amount = (/** @type {Neighbour} */ {values}) => (key === 'newer' ? values[1] : key === 'change' ? Math.abs(values[1] * this.scale - values[0]) : values[0]);
    const sorted = key === 'name' ? order : orderRows(Uint32Array.from(order), Float64Array.from(rows, amount), descending);
    this.rows = Array.from(sorted, (i) => rows[i]);
    this.table.showSort(key, descending);
    this.table.show({count: this.rows.length, name: (row) => this.nameOf(row), rowClass: (row) => (this.rows[row].f < 0 ? 'noise' : '')});
  }

  /** @param {1|-1} step @returns {boolean} */
  nextMatch(step) {
    const {length} = this.rows;
    for (let i = 1; i <= length; i++) {
      const row = (this.table.active + step * i + length * 2) % length;
      if (this.rows[row].f < 0 || !this.isMatch(this.rows[row].f)) continue;
      this.table.select(row);
      return true;
    }
    return false;
  }
}
