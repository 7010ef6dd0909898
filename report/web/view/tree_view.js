// SPDX-License-Identifier: Apache-2.0
// The call tree as a table: from the first functions down, or from those that spend something themselves up.
import {differenceTree} from './comparison.js';
import {certaintyText} from './change_table.js';
import {button, choiceGroup, el, fill} from './dom.js';
import {countText, percentText} from './format.js';
import {openFrameMenu} from './frame_menu.js';
import {swatchColours} from './function_colours.js';
import {kKinds} from './functions.js';
import {valueText} from './metrics.js';
import {fillBar, fillName, fillText} from './table_cells.js';
import {copyButtons, tableKeys} from './table_tools.js';
import {TreeRows} from './tree_rows.js';
import {VirtualTable} from './virtual_table.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./virtual_table.js').Column} Column */
/** @typedef {import('./tree.js').FrameTree} FrameTree */

// What is open, of each form of the tree; it outlives the view, so that going to another one and back changes nothing.
/** @type {Map<string, import('./tree_rows.js').OpenFrame>} */
const openFrames = new Map();

/** @typedef {import('./difference_tree.js').DifferenceTree} DifferenceTree */

class TreePane {
  /** @param {Context} context @param {number} which recording @param {boolean} difference */
  constructor(context, which, difference) {
    this.context = context;
    this.which = which;
    this.state = context.store.state;
    /** @type {DifferenceTree|null} */
    this.difference = null;
    this.rows = new TreeRows(kNothing, new Map());
    this.whole = 0;
    /** @type {(f: number) => boolean} */
    this.isMatch = () => false;
    /** @type {(f: number) => string} */
    this.colourOf = () => '';
    this.made = '';  // which form the rows are of
    this.columns = difference ? this.changeColumns() : this.valueColumns();
    this.table = new VirtualTable({
      label: which === 0 ? 'Call tree' : 'Call tree of the second recording', columns: this.columns, nameWidth: 300,
      empty: 'no call has a value here: the range, the process or a transform leaves nothing',
      onActivate: (row) => context.store.set({zoom: this.rows.pathOf(row), view: 'flame'}),
      onSelect: (row) => context.announce(this.describe(row)),
      onExpand: (row, open) => this.change(() => this.rows.setExpanded(row, open), row),
      onMenu: (row, x, y) => this.openMenu(row, x, y),
    });
    this.element = this.table.element;
  }

  /** @param {number} row */
  node(row) { return this.rows.nodes[row]; }
  /** @param {number} amount */
  share(amount) { return this.whole > 0 ? amount / this.whole : 0; }

  /** @returns {Column[]} */
  valueColumns() {
    const value = (/** @type {number} */ amount) => (amount === 0 ? '' : valueText(this.state.metric, amount));
    const total = (/** @type {number} */ row) => this.rows.tree.total(this.node(row));
    const self = (/** @type {number} */ row) => this.rows.tree.self(this.node(row));
    const count = (/** @type {number} */ row) => this.rows.tree.count(this.node(row));
    return [
      {key: 'total', title: 'Total', help: 'with what it calls', width: 88, number: true, text: total, fill: (cell, row) => fillText(cell, value(total(row)))},
      {key: 'totalShare', title: 'Total %', help: 'of all', width: 92, number: true, text: (row) => (this.share(total(row)) * 100).toFixed(3),
        fill: (cell, row) => fillBar(cell, percentText(this.share(total(row))), this.share(total(row)))},
      {key: 'self', title: 'Self', help: 'without what it calls', width: 88, number: true, text: self, fill: (cell, row) => fillText(cell, value(self(row)))},
      {key: 'selfShare', title: 'Self %', help: 'of all', width: 92, number: true, from: 640, text: (row) => (this.share(self(row)) * 100).toFixed(3),
        fill: (cell, row) => fillBar(cell, self(row) === 0 ? '' : percentText(this.share(self(row))), this.share(self(row)))},
      {key: 'count', title: 'Count', help: 'samples or blocks that the total is of', width: 80, number: true, from: 800, text: count, fill: (cell, row) => fillText(cell, countText(count(row)))},
      this.nameColumn(), this.moduleColumn(),
    ];
  }

  /** @returns {Column[]} */
  changeColumns() {
    const tree = () => /** @type {DifferenceTree} */ (this.difference);
    const value = (/** @type {number} */ amount) => (amount === 0 ? '' : valueText(this.state.metric, amount));
    const change = (/** @type {number} */ row) => tree().change(this.node(row));
    const side = (/** @type {'base'|'newer'} */ key, /** @type {string} */ title) => /** @type {Column} */ ({
      key, title, width: 88, number: true, from: 640, text: (row) => tree()[key](this.node(row)), fill: (cell, row) => fillText(cell, value(tree()[key](this.node(row)))),
    });
    return [
      {key: 'change', title: 'Change', width: 96, number: true, text: change,
        fill: (cell, row) => fillText(cell, change(row) === 0 ? '' : (change(row) > 0 ? '+' : '') + value(change(row)))},
      side('base', 'Base'), side('newer', 'New'),
      {key: 'certainty', title: 'Certainty', help: 'the change as a multiple of what chance makes of two samplings of the same', width: 92, number: true, from: 800,
        fill: (cell, row) => fillText(cell, certaintyText(tree().changeOf(this.node(row)), tree().significant(this.node(row))))},
      this.nameColumn(), this.moduleColumn(),
    ];
  }

  /** @returns {Column} */
  nameColumn() {
    return {key: 'name', title: 'Function', width: 0, text: (row) => '  '.repeat(this.rows.depths[row] - 1) + this.nameOf(row), fill: (cell, row) => {
      const f = this.rows.tree.func(this.node(row));
      const kind = kKinds[this.rows.tree.kind(this.node(row))];
      const note = kind === undefined || kind === 'native' || kind === 'marker' || kind === 'process' ? '' : kind;
      fillName(cell, {name: this.nameOf(row), note, colour: this.colourOf(f), hit: this.isMatch(f), depth: this.rows.depths[row] - 1, expanded: this.rows.expanded(row)});
    }};
  }
  /** @returns {Column} */
  moduleColumn() {
    const module = (/** @type {number} */ row) => this.context.functions.module(this.rows.tree.func(this.node(row)));
    return {key: 'module', title: 'Module', width: 140, from: 960, text: module, fill: (cell, row) => fillText(cell, module(row), module(row))};
  }

  /** @param {number} row */
  nameOf(row) { return this.context.functions.name(this.rows.tree.func(this.node(row))); }

  /** @param {number} row */
  describe(row) {
    const {metric} = this.state;
    const node = this.node(row);
    if (this.difference) return `${this.nameOf(row)}: ${valueText(metric, this.difference.base(node))} → ${valueText(metric, this.difference.newer(node))}`;
    const {tree} = this.rows;
    return `${this.nameOf(row)}: total ${valueText(metric, tree.total(node))} (${percentText(this.share(tree.total(node)))}), self ${valueText(metric, tree.self(node))}`;
  }

  /** @param {number} row @param {number} x @param {number} y */
  openMenu(row, x, y) {
    const path = this.rows.pathOf(row);
    const func = path[path.length - 1];
    // A path from the leaf up is none that a transform knows.
    openFrameMenu(this.context, this.state.inverted ? {func, stack: [...path].reverse()} : {func, path}, x, y);
  }

  // Does something to what is open, and shows the rows; `act` may return the row to go to.
  /** @param {() => unknown} act @param {number} row */
  change(act, row) {
    const to = act();
    this.showRows(typeof to === 'number' && to >= 0 ? to : row);
    this.table.focusRow(this.table.active);
  }

  /** @param {ViewState} state @param {boolean} difference */
  update(state, difference) {
    const {model} = this.context;
    const before = this.rows.count > 0 ? {form: this.made, path: this.rows.pathOf(this.table.active)} : null;
    this.state = state;
    this.difference = difference ? differenceTree(model, state) : null;
    const tree = this.difference || (state.inverted ? model.inverted(state, this.which) : model.topDown(state, this.which));
    this.made = `${state.inverted ? 'inverted' : 'top-down'} ${difference ? 'difference' : this.which}`;
    let open = openFrames.get(this.made);
    const first = !open;
    if (!open) openFrames.set(this.made, open = new Map());
    this.rows = new TreeRows(tree, open);
    this.whole = tree.total(0);
    const tests = (difference ? [0, 1] : [this.which]).map((which) => model.matches(state, which).test);
    this.isMatch = (f) => tests.some((test) => test(f));
    this.colourOf = swatchColours(model, state);
    // What a person sees first is where most goes, not one closed row.
    const heaviest = first ? this.rows.expandHeaviest(-1) : -1;
    if (before && before.form === this.made) this.showRows(Math.max(0, this.rows.reveal(before.path)));
    else this.goTo(Math.max(0, heaviest));
  }

  /** @param {number} active */
  showRows(active) {
    const {rows} = this;
    this.table.show({
      count: rows.count, name: (row) => this.nameOf(row), level: (row) => rows.depths[row], expanded: (row) => rows.expanded(row),
      rowClass: (row) => (this.difference && !this.difference.significant(this.node(row)) ? 'noise' :
          this.difference && this.difference.change(this.node(row)) > 0 ? 'grown' : this.difference ? 'shrunk' : ''),
    }, active);
  }

  /** @param {number} row shown, and in sight */
  goTo(row) {
    this.showRows(row);
    this.table.activate(row);
  }

  // Goes to a path, or to the heaviest call of a function.
  /** @param {number[]} path @param {number} f */
  reveal(path, f) {
    let row = path.length > 0 ? this.rows.reveal(path) : -1;
    if (row < 0 && f >= 0) row = this.rows.nextMatch(-1, 1, (each) => each === f);
    if (row >= 0) this.goTo(row);
  }
}

/** @type {FrameTree} */
const kNothing = {func: () => -1, kind: () => 0, self: () => 0, total: () => 0, count: () => 0, parent: () => 0, children: () => []};

class TreeView {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    const {store} = context;
    this.direction = choiceGroup('Direction', [{value: '', text: 'Top-down', title: 'callers above callees'},
      {value: 'inverted', text: 'Bottom-up', title: 'functions by their own cost, callers below'}], (value) => store.set({inverted: value === 'inverted'}));
    this.panes = el('div', {class: 'panes'});
    /** @type {TreePane[]} */
    this.parts = [];
    this.form = '';
    const act = (/** @type {(pane: TreePane) => unknown} */ action) => () => {
      const pane = this.pane();
      if (pane.rows.count > 0) pane.change(() => action(pane), pane.table.active);
    };
    const heaviest = act((pane) => pane.rows.expandHeaviest(pane.table.active));
    const everything = act((pane) => {
      if (!pane.rows.expandAll(pane.table.active)) context.announce('Opened the heaviest 100 000 calls below');
    });
    const close = act((pane) => {
      pane.rows.collapseAll(-1);
      return 0;
    });
    this.element = el('div', {class: 'tables'}, el('div', {class: 'tools'}, this.direction.element,
        button('Heaviest path', heaviest, {title: 'open the heaviest calls below the row (x)'}),
        button('Open all below', everything, {title: 'open everything below the row (*)'}), button('Close all', close, {title: 'close all rows (z)'}),
        el('span', {class: 'spacer'}), copyButtons(context, () => this.pane().table, 'call-tree')), this.panes);
    this.keys = [
      {key: 'x', text: 'open the heaviest calls below the row', action: heaviest}, {key: '*', text: 'open everything below the row', action: everything},
      {key: 'z', text: 'close all rows', action: close}, {key: 'v', text: 'top-down or bottom-up', action: () => store.set({inverted: !store.state.inverted})},
      {key: 'n', text: 'next match', action: () => this.nextMatch(1)}, {key: 'N', text: 'previous match', action: () => this.nextMatch(-1)},
      {key: 'Enter', text: 'the row\'s frame in the flame graph', action: () => false}, ...tableKeys(() => this.pane().table, true),
    ];
  }

  pane() { return this.parts.find((part) => part.element.contains(document.activeElement)) || this.parts[0]; }

  /** @param {1|-1} step */
  nextMatch(step) {
    const pane = this.pane();
    const row = pane.rows.count > 0 ? pane.rows.nextMatch(pane.table.active, step, pane.isMatch) : -1;
    if (row < 0) this.context.announce('The search finds no function here');
    else pane.change(() => row, row);
  }

  /** @param {ViewState} state @param {ViewState} old */
  update(state, old) {
    const {context} = this;
    const form = context.model.recordings.length > 1 ? state.compare : 'off';
    this.direction.update(state.inverted ? 'inverted' : '');
    if (form !== this.form) {
      this.form = form;
      this.parts = (form === 'side' ? [0, 1] : [0]).map((which) => new TreePane(context, which, form === 'difference'));
      const title = (/** @type {number} */ i) => `${i === 0 ? 'Base' : 'New'}: ${context.model.recordings[i].meta.title}`;
      fill(this.panes, ...this.parts.map((part, i) => el('section', {}, form === 'side' ? el('h2', {class: 'pane-title'}, title(i)) : null, part.element)));
    }
    for (const part of this.parts) part.update(state, form === 'difference');
    if (state === old || old.view !== 'tree') for (const part of this.parts) part.reveal(state.inverted ? [] : state.zoom, state.func);
  }
}

/** @type {import('./page.js').View} */
export const kTreeView = {name: 'tree', title: 'Call tree', key: '2', make: (context) => new TreeView(context)};
