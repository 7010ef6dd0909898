// SPDX-License-Identifier: Apache-2.0
// ChangeTable: functions of two recordings and what changed, the greatest changes first. What may be chance, or is too
// little to be looked at, stands in grey.
import {changesOfFunctions, changeTestOf} from './comparison.js';
import {percentText, countText} from './format.js';
import {valueText} from './metrics.js';
import {functionOrderOf} from './function_rows.js';
import {orderRows} from './row_order.js';
import {fillName, fillText, sortOf, sortText} from './table_cells.js';
import {VirtualTable} from './virtual_table.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./compare.js').FunctionChange} FunctionChange */
/** @typedef {import('./virtual_table.js').Column} Column */

const kVerdictTexts = {grown: 'more', shrunk: 'less', new: 'new', vanished: 'vanished', same: 'noise'};

// How many sigmas a change is, in words.
/** @param {import('./compare.js').Change} change @param {boolean} significant */
export function certaintyText({change, sigma}, significant) {
  if (change === 0) return 'no change';
  if (sigma === 0) return significant ? 'exact' : 'under 0.1 %';
  return `${Math.abs(change / sigma).toFixed(1)} σ`;
}

// Indexes of changes by value, equal ones by name; `noiseLast`: what is no change stands behind what is.
/** @param {FunctionChange[]} changes @param {ArrayLike<number>} values @param {ArrayLike<number>} names ranks, by function @param {{descending: boolean, noiseLast: boolean}} how
 * @returns {Uint32Array} */
export function orderChanges(changes, values, names, {descending, noiseLast}) {
  const byName = orderRows(Uint32Array.from(changes, (_, i) => i), Float64Array.from(changes, ({f}) => names[f]), false);
  const ordered = orderRows(byName, Float64Array.from(values), descending);
  return noiseLast ? orderRows(ordered, Float64Array.from(changes, ({significant}) => Number(significant)), true) : ordered;
}

export class ChangeTable {
  /** @param {Context} context @param {{activate: (f: number) => void, menu: (f: number, x: number, y: number) => void}} actions */
  constructor(context, actions) {
    this.context = context;
    this.state = context.store.state;
    /** @type {FunctionChange[]} */
    this.changes = [];  // by row
    this.most = 1;
    /** @type {(f: number) => boolean} */
    this.isMatch = () => false;
    this.order = functionOrderOf(context.model);
    this.columns = this.makeColumns();
    this.table = new VirtualTable({
      label: 'Changes by function', columns: this.columns, nameWidth: 240,
      empty: 'neither recording has a value here',
      onSort: (key, descending) => context.store.set({sort: sortText(key, descending, this.columns)}),
      onActivate: (row) => actions.activate(this.changes[row].f),
      onSelect: (row) => context.announce(this.describe(this.changes[row])),
      onMenu: (row, x, y) => actions.menu(this.changes[row].f, x, y),
    });
    this.element = this.table.element;
  }

  /** @returns {Column[]} */
  makeColumns() {
    const value = (/** @type {number} */ amount) => (amount === 0 ? '' : valueText(this.state.metric, amount));
    const signed = (/** @type {number} */ amount) => (amount > 0 ? '+' : '') + (amount === 0 ? '' : valueText(this.state.metric, amount));
    const at = (/** @type {number} */ row) => this.changes[row];
    const changeColumn = (/** @type {'self'|'total'} */ key, /** @type {string} */ title, /** @type {number} */ from) => /** @type {Column} */ ({
      key: key === 'total' ? 'change' : 'selfChange', title, help: key === 'total' ? 'with what it calls' : 'without what it calls', width: 132, number: true,
      sortable: true, from, text: (row) => at(row)[key].change, fill: (cell, row) => this.fillChange(cell, signed(at(row)[key].change), at(row)[key].change),
    });
    const total = (/** @type {'base'|'newer'} */ key, /** @type {string} */ title, /** @type {string} */ help) => /** @type {Column} */ ({
      key, title, help, width: 88, number: true, sortable: true, from: 700, text: (row) => at(row).total[key], fill: (cell, row) => fillText(cell, value(at(row).total[key])),
    });
    return [
      changeColumn('total', 'Change', 0),
      {key: 'part', title: 'Change %', help: 'of the base', width: 100, number: true, sortable: true, from: 560, text: (row) => (this.partOf(at(row)) * 100).toFixed(2),
        fill: (cell, row) => fillText(cell, this.partText(at(row)))},
      total('base', 'Base', 'total in the first recording'), total('newer', 'New', 'total in the second recording'),
      changeColumn('self', 'Self change', 980),
      {key: 'certainty', title: 'Certainty', help: 'the change as a multiple of what chance makes of two samplings of the same', width: 92, number: true, sortable: true, from: 860,
        text: (row) => this.sigmasOf(at(row)), fill: (cell, row) => fillText(cell, certaintyText(at(row).total, at(row).significant))},
      {key: 'verdict', title: 'Verdict', width: 80, sortable: true, text: (row) => kVerdictTexts[at(row).verdict],
        fill: (cell, row) => fillText(cell, kVerdictTexts[at(row).verdict])},
      {key: 'name', title: 'Function', width: 0, sortable: true, text: (row) => this.context.functions.name(at(row).f),
        fill: (cell, row) => fillName(cell, {name: this.context.functions.name(at(row).f), hit: this.isMatch(at(row).f)})},
      {key: 'module', title: 'Module', width: 140, sortable: true, from: 1150, text: (row) => this.context.functions.module(at(row).f),
        fill: (cell, row) => fillText(cell, this.context.functions.module(at(row).f))},
    ];
  }

  // A bar from the middle, to the right for more, to the left for less.
  /** @param {HTMLElement} cell @param {string} text @param {number} change */
  fillChange(cell, text, change) {
    cell.classList.add('change');
    if (cell.textContent !== text) cell.textContent = text;
    const part = Math.min(1, Math.abs(change) / this.most) * 50;
    cell.style.setProperty('--from', `${change < 0 ? 50 - part : 50}%`);
    cell.style.setProperty('--to', `${change < 0 ? 50 : 50 + part}%`);
    cell.classList.toggle('less', change < 0);
  }

  /** @param {FunctionChange} row @returns {number} */
  partOf({total}) { return total.base > 0 ? total.change / total.base : total.change > 0 ? Infinity : 0; }
  /** @param {FunctionChange} row */
  sigmasOf({total}) { return total.change === 0 ? 0 : total.sigma > 0 ? Math.abs(total.change / total.sigma) : Infinity; }
  /** @param {FunctionChange} row */
  partText(row) {
    if (row.total.base === 0) return 'new';
    if (row.total.newer === 0) return '-100%';
    const part = this.partOf(row);
    return part === 0 ? '' : part >= 10 ? `× ${(part + 1).toFixed(0)}` : (part > 0 ? '+' : '') + percentText(part);
  }

  /** @param {FunctionChange} row */
  describe(row) {
    const {metric} = this.state;
    const {base, newer} = row.total;
    return `${this.context.functions.name(row.f)}: ${valueText(metric, base)} → ${valueText(metric, newer)}, ${kVerdictTexts[row.verdict]}, ` +
        certaintyText(row.total, row.significant);
  }

  /** @param {ViewState} state @param {import('./function_table.js').FunctionTableChoice} choice */
  update(state, choice) {
    const {model, functions} = this.context;
    const active = this.changes[this.table.active];
    this.state = state;
    const [inBase, inNew] = [model.matches(state, 0).test, model.matches(state, 1).test];
    this.isMatch = (f) => inBase(f) || inNew(f);
    const all = changesOfFunctions(model, state);
    const only = choice.only && state.search !== '';
    const shown = only ? all.filter((row) => this.isMatch(row.f)) : all;
    const {key, descending} = sortOf(state.sort, this.columns, 'change');
    this.most = all.reduce((most, row) => Math.max(most, Math.abs(row.total.change)), 0) || 1;
    // Of the greatest changes, those that may be chance are not what a person looks for; of another order they are a part.
    const order = orderChanges(shown, shown.map((row) => this.valueOf(row, key)), this.order.ranksOf('name'), {descending, noiseLast: key === 'change'});
    this.changes = Array.from(order, (i) => shown[i]);
    this.table.showSort(key, descending);
    this.table.show({
      count: this.changes.length, name: (row) => functions.name(this.changes[row].f),
      rowClass: (row) => (this.changes[row].significant ? '' : 'noise'),
    }, Math.max(0, active ? this.changes.findIndex((row) => row.f === active.f) : 0));
  }

  /** @param {FunctionChange} row @param {string} key @returns {number} */
  valueOf(row, key) {
    switch (key) {
      case 'part': return this.partOf(row);
      case 'base': return row.total.base;
      case 'newer': return row.total.newer;
      case 'selfChange': return Math.abs(row.self.change);
      case 'certainty': return this.sigmasOf(row);
      case 'verdict': return ['new', 'grown', 'shrunk', 'vanished', 'same'].indexOf(row.verdict);
      case 'name': return this.order.ranksOf('name')[row.f];
      case 'module': return this.order.ranksOf('module')[row.f];
      default: return Math.abs(row.total.change);
    }
  }

  /** @param {1|-1} step @returns {boolean} */
  nextMatch(step) {
    const {length} = this.changes;
    for (let i = 1; i <= length; i++) {
      const row = (this.table.active + step * i + length * 2) % length;
      if (!this.isMatch(this.changes[row].f)) continue;
      this.table.select(row);
      return true;
    }
    return false;
  }

  /** @param {number} f */
  reveal(f) {
    const row = this.changes.findIndex((each) => each.f === f);
    if (row >= 0) this.table.activate(row);
  }

  /** @returns {string} */
  summary() {
    const count = (/** @type {FunctionChange['verdict']} */ verdict) => this.changes.filter((row) => row.verdict === verdict).length;
    const parts = /** @type {const} */ (['grown', 'shrunk', 'new', 'vanished']).map((verdict) => `${countText(count(verdict))} ${kVerdictTexts[verdict]}`);
    const test = changeTestOf(this.context.model, this.state);
    const scale = test.scale === 1 ? '' : `, the second recording × ${test.scale.toPrecision(3)}`;
    return `${parts.join(', ')}; ${countText(count('same'))} within noise${scale}`;
  }
}
