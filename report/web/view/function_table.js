// SPDX-License-Identifier: Apache-2.0
// FunctionTable: the functions of one recording with what they cost, alone or under their module or file.
import {percentText, countText} from './format.js';
import {swatchColours} from './function_colours.js';
import {functionOrderOf, flatRows, groupedRows, shownFunctions} from './function_rows.js';
import {metricOf, valueText} from './metrics.js';
import {fillBar, fillName, fillText, placeText, sortOf, sortText} from './table_cells.js';
import {VirtualTable} from './virtual_table.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./virtual_table.js').Column} Column */

/** @typedef {{grouping: import('./function_rows.js').Grouping, only: boolean}} FunctionTableChoice only: what the search finds */

export class FunctionTable {
  /** @param {Context} context @param {number} which recording @param {{activate: (f: number) => void, menu: (f: number, x: number, y: number) => void}} actions */
  constructor(context, which, actions) {
    this.context = context;
    this.which = which;
    this.order = functionOrderOf(context.model);
    this.state = context.store.state;
    /** @type {import('./function_rows.js').FunctionRows} */
    this.rows = {rows: new Int32Array(0), groups: [], shown: 0};
    /** @type {import('./function_rows.js').FunctionTotals} */
    this.totals = {self: new Float64Array(0), total: new Float64Array(0), count: new Float64Array(0)};
    this.whole = 0;
    /** @type {(f: number) => boolean} */
    this.isMatch = () => false;
    /** @type {(f: number) => string} */
    this.colourOf = () => '';
    /** @type {Set<string>} */
    this.closed = new Set();
    this.sort = {key: '', descending: true};
    /** @type {FunctionTableChoice} */
    this.choice = {grouping: '', only: false};
    this.columns = this.makeColumns();
    const withFunction = (/** @type {(f: number) => void} */ action) => (/** @type {number} */ row) => {
      const f = this.rows.rows[row];
      if (f >= 0) action(f);
    };
    this.table = new VirtualTable({
      label: which === 0 ? 'Functions' : 'Functions of the second recording', columns: this.columns, nameWidth: 240,
      empty: 'no function has a value here: the range, the process, a transform or the search leaves nothing',
      onSort: (key, descending) => context.store.set({sort: sortText(key, descending, this.columns)}),
      onActivate: (row) => (this.rows.rows[row] < 0 ? this.expand(row) : actions.activate(this.rows.rows[row])),
      onSelect: withFunction((f) => context.announce(this.describe(f))),
      onExpand: (row) => this.expand(row),
      onMenu: (row, x, y) => withFunction((f) => actions.menu(f, x, y))(row),
    });
    this.element = this.table.element;
  }

  /** @returns {Column[]} */
  makeColumns() {
    const of = (/** @type {'self'|'total'|'count'} */ key) => (/** @type {number} */ row) => {
      const at = this.rows.rows[row];
      return at < 0 ? this.rows.groups[~at][key] : this.totals[key][at];
    };
    const [self, total, count] = [of('self'), of('total'), of('count')];
    const value = (/** @type {number} */ amount) => (amount === 0 ? '' : valueText(this.state.metric, amount));
    const share = (/** @type {number} */ amount) => (this.whole > 0 ? amount / this.whole : 0);
    const text = (/** @type {(f: number) => string} */ what) => (/** @type {number} */ row) => {
      const at = this.rows.rows[row];
      return at < 0 ? '' : what(at);
    };
    const {functions} = this.context;
    const module = text((f) => functions.module(f));
    const place = text((f) => (functions.file(f) ? functions.file(f) + (functions.line(f) > 0 ? ':' + functions.line(f) : '') : ''));
    return [
      {key: 'self', title: 'Self', help: 'without what it calls', width: 88, number: true, sortable: true, text: self,
        fill: (cell, row) => fillText(cell, value(self(row)))},
      {key: 'selfShare', title: 'Self %', help: 'of all', width: 92, number: true, text: (row) => (share(self(row)) * 100).toFixed(3),
        fill: (cell, row) => fillBar(cell, self(row) === 0 ? '' : percentText(share(self(row))), share(self(row)))},
      {key: 'total', title: 'Total', help: 'with what it calls', width: 88, number: true, sortable: true, text: total,
        fill: (cell, row) => fillText(cell, value(total(row)))},
      {key: 'totalShare', title: 'Total %', help: 'of all', width: 92, number: true, from: 620, text: (row) => (share(total(row)) * 100).toFixed(3),
        fill: (cell, row) => fillBar(cell, percentText(share(total(row))), share(total(row)))},
      {key: 'count', title: 'Count', help: 'samples or blocks that the total is of', width: 84, number: true, sortable: true, from: 760, text: count,
        fill: (cell, row) => fillText(cell, countText(count(row)))},
      {key: 'name', title: 'Function', width: 0, sortable: true, text: (row) => this.nameOf(row), fill: (cell, row) => this.fillName(cell, row)},
      {key: 'module', title: 'Module', width: 150, sortable: true, from: 900, text: module, fill: (cell, row) => fillText(cell, module(row), module(row))},
      {key: 'file', title: 'Source', width: 190, sortable: true, from: 1080, text: place,
        fill: (cell, row) => fillText(cell, text((f) => placeText(functions.file(f), functions.line(f)))(row), place(row))},
    ];
  }

  /** @param {number} row @returns {string} */
  nameOf(row) {
    const at = this.rows.rows[row];
    return at < 0 ? this.rows.groups[~at].name : this.context.functions.name(at);
  }

  /** @param {HTMLElement} cell @param {number} row */
  fillName(cell, row) {
    const at = this.rows.rows[row];
    if (at >= 0) {
      const kind = this.context.functions.kind(at);
      const note = kind === 'native' || kind === 'marker' || kind === 'process' ? '' : kind;
      fillName(cell, {name: this.nameOf(row), note, colour: this.colourOf(at), hit: this.isMatch(at), depth: this.choice.grouping === '' ? 0 : 1,
        expanded: this.choice.grouping === '' ? undefined : null});
      return;
    }
    const {name, functions} = this.rows.groups[~at];
    fillName(cell, {name, note: `${countText(functions)} function${functions === 1 ? '' : 's'}`, expanded: !this.closed.has(name)});
  }

  /** @param {number} f */
  describe(f) {
    const {metric} = this.state;
    return `${this.context.functions.name(f)}: self ${valueText(metric, this.totals.self[f])} (${percentText(this.totals.self[f] / this.whole)}), total ` +
        `${valueText(metric, this.totals.total[f])} (${percentText(this.totals.total[f] / this.whole)})`;
  }

  /** @param {number} row opens or closes a group */
  expand(row) {
    const at = this.rows.rows[row];
    if (at >= 0) return;
    const {name} = this.rows.groups[~at];
    if (!this.closed.delete(name)) this.closed.add(name);
    this.lay();
    this.show(row);
  }

  /** @param {ViewState} state @param {FunctionTableChoice} choice */
  update(state, choice) {
    const {model} = this.context;
    const active = this.rows.rows[this.table.active];
    this.state = state;
    this.choice = choice;
    this.totals = model.functionTable(state, this.which);
    this.whole = model.total(state, this.which);
    this.isMatch = model.matches(state, this.which).test;
    this.colourOf = swatchColours(model, state);
    const sort = sortOf(state.sort, this.columns, metricOf(state.metric).heap ? 'total' : 'self');
    const turned = sort.key !== this.sort.key || sort.descending !== this.sort.descending;
    this.sort = sort;
    this.lay();
    // The row that was active stays so; another order begins at its top.
    this.show(turned || active === undefined ? 0 : Math.max(0, this.rows.rows.indexOf(active)));
    if (turned) this.table.activate(0);
  }

  lay() {
    const {context: {functions, model}, state, choice, totals, sort: {key, descending}} = this;
    const only = choice.only && state.search !== '';
    const shown = shownFunctions(this.order, totals, only ? this.isMatch : () => true);
    this.rows = flatRows(shown, this.order, totals, key, descending);
    if (choice.grouping !== '') {
      this.rows = groupedRows(this.rows, functions, model.topDown(state, this.which), {grouping: choice.grouping, key, descending, closed: this.closed});
    }
  }

  /** @param {number} active */
  show(active) {
    const {rows} = this.rows;
    this.table.showSort(this.sort.key, this.sort.descending);
    this.table.show({
      count: rows.length, name: (row) => this.nameOf(row),
      level: this.choice.grouping === '' ? undefined : (row) => (rows[row] < 0 ? 1 : 2),
      expanded: (row) => (rows[row] < 0 ? !this.closed.has(this.rows.groups[~rows[row]].name) : null),
      rowClass: (row) => (rows[row] < 0 ? 'group-row' : ''),
    }, active);
  }

  // Goes to the next (or with -1 the previous) function that the search finds.
  /** @param {1|-1} step @returns {boolean} */
  nextMatch(step) {
    const {rows} = this.rows;
    for (let i = 1; i <= rows.length; i++) {
      const row = (this.table.active + step * i + rows.length * 2) % rows.length;
      if (rows[row] < 0 || !this.isMatch(rows[row])) continue;
      this.table.select(row);
      return true;
    }
    return false;
  }

  // Makes a function's row the active one, if it is there.
  /** @param {number} f */
  reveal(f) {
    const row = f < 0 ? -1 : this.rows.rows.indexOf(f);
    if (row >= 0) this.table.activate(row);
  }

  /** @returns {string} how many there are */
  summary() {
    const {rows, shown} = this.rows;
    const groups = this.choice.grouping === '' ? 0 : rows.filter((each) => each < 0).length;
    return `${countText(shown)} function${shown === 1 ? '' : 's'}` + (groups > 0 ? ` in ${countText(groups)} ${this.choice.grouping}s` : '');
  }
}
