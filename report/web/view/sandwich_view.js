// SPDX-License-Identifier: Apache-2.0
// The sandwich: one function, its callers above it and what it calls below, each as a table and as a small flame graph. Enter
// goes to a caller or callee, Backspace back to where one came from.
import {changeTestOf} from './comparison.js';
import {DifferenceTree} from './difference_tree.js';
import {button, el, fill} from './dom.js';
import {percentText} from './format.js';
import {openFrameMenu} from './frame_menu.js';
import {FunctionPicker} from './function_picker.js';
import {valueText} from './metrics.js';
import {NeighbourTable} from './neighbour_table.js';
import {SandwichPanel} from './sandwich_panel.js';
import {calleesOf, callersOf, neighboursOf} from './sandwich_trees.js';
import {copyButtons, tableKeys} from './table_tools.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */

const kCallerWords = {label: 'Callers', nobody: '[no caller]', empty: 'nothing calls it: it begins its stacks'};
const kCalleeWords = {label: 'Callees', nobody: '[itself]', empty: 'it calls nothing'};

// The function that a view is about: the state's, or the heaviest by itself.
/** @param {Context} context @param {ViewState} state @returns {number} -1: there is none */
export function functionInView({model, functions}, state) {
  if (state.func >= 0 && state.func < functions.count) return state.func;
  const {self} = model.functionTable(state);
  return self.reduce((best, value, f) => (value > 0 && (best < 0 || value > self[best]) ? f : best), -1);
}

class SandwichView {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    const {store} = context;
    const go = (/** @type {number} */ func) => store.set({func});
    this.picker = new FunctionPicker(context, go, () => this.tables[1].table.focusRow(0));
    this.sums = el('span', {class: 'sandwich-sums'});
    this.menu = button('Function …', () => {
      const box = this.menu.getBoundingClientRect();
      openFrameMenu(context, {func: functionInView(context, store.state)}, box.left, box.bottom);
    }, {title: 'what can be done with this function', 'aria-haspopup': 'menu'});
    this.go = go;
    /** @type {NeighbourTable[]} */
    this.tables = [];
    this.recordings = 0;
    this.graphs = [new SandwichPanel(context, 0, 'Callers, as a flame graph', go), new SandwichPanel(context, 1, 'Callees, as an icicle', go)];
    this.slots = [el('div', {class: 'sandwich-table'}), el('div', {class: 'sandwich-table'})];
    this.titles = ['Callers', 'Callees'].map((title) => el('h2', {class: 'pane-title'}, title));
    this.element = el('div', {class: 'tables'},
        el('div', {class: 'tools'}, this.picker.element, this.menu, this.sums, el('span', {class: 'spacer'}), copyButtons(context, () => this.table(), 'callers-callees')),
        el('div', {class: 'sandwich'}, ...[0, 1].map((i) => el('section', {'aria-label': i === 0 ? 'Callers' : 'Callees'}, this.titles[i],
            el('div', {class: 'sandwich-halves'}, this.slots[i], el('div', {class: 'sandwich-graph'}, this.graphs[i].element))))));
    this.keys = [
      {key: 'p', text: 'choose a function', action: () => this.picker.input.focus()},
      {key: 'Enter', text: 'go to the row\'s function', action: () => false}, {key: 'Backspace', text: 'back to the function before', action: () => context.store.back()},
      {key: 'n', text: 'next match', action: () => this.nextMatch(1)}, {key: 'N', text: 'previous match', action: () => this.nextMatch(-1)},
      ...tableKeys(() => this.table(), false),
    ];
  }

  destroy() { for (const graph of this.graphs) graph.destroy(); }

  shown() { return this.tables.find((each) => each.element.contains(document.activeElement)) || this.tables[0]; }
  table() { return this.shown().table; }

  /** @param {1|-1} step */
  nextMatch(step) {
    if (!this.shown().nextMatch(step)) this.context.announce('The search finds no function here');
  }

  /** @param {ViewState} given */
  update(given) {
    const {context: {model, functions}} = this;
    const func = functionInView(this.context, given);
    const state = {...given, func};
    const compared = model.recordings.length > 1 && state.compare !== 'off';
    this.makeTables(compared ? 2 : 1);
    this.picker.update(func, state);
    if (func < 0) return;
    const sides = compared ? [0, 1] : [0];
    const whole = sides.map((which) => model.functionTable(state, which).total[func]);
    const scale = compared ? changeTestOf(model, state).scale : 1;
    const treesOf = [callersOf, calleesOf];
    treesOf.forEach((of, i) => {
      const trees = sides.map((which) => of(model, state, func, which));
      this.tables[i].update(state, neighboursOf(trees), whole, scale);
      const difference = compared ? new DifferenceTree(trees[0], trees[1], changeTestOf(model, state)) : null;
      this.graphs[i].show(state, difference || trees[0], difference);
    });
    const texts = sides.map((which) => {
      const {self, total} = model.functionTable(state, which);
      const all = model.total(state, which);
      return `total ${valueText(state.metric, total[func])} (${percentText(total[func] / all)}), self ${valueText(state.metric, self[func])} (${percentText(self[func] / all)})`;
    });
    this.sums.textContent = texts.join(' → ');
    const where = [functions.module(func), functions.file(func) && `${functions.file(func)}:${functions.line(func)}`].filter(Boolean).join(', ');
    this.sums.title = where;
  }

  /** @param {number} recordings */
  makeTables(recordings) {
    if (recordings === this.recordings) return;
    this.recordings = recordings;
    this.tables = [kCallerWords, kCalleeWords].map((words) => new NeighbourTable(this.context, words, recordings, this.go));
    this.tables.forEach((table, i) => fill(this.slots[i], table.element));
  }
}

/** @type {import('./page.js').View} */
export const kSandwichView = {name: 'sandwich', title: 'Sandwich', key: '4', make: (context) => new SandwichView(context)};
