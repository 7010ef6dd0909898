// SPDX-License-Identifier: Apache-2.0
// The function table: of one recording, of two side by side, or what changed from one to the other.
import {ChangeTable} from './change_table.js';
import {choiceGroup, el, fill} from './dom.js';
import {openFrameMenu} from './frame_menu.js';
import {functionOrderOf} from './function_rows.js';
import {FunctionTable} from './function_table.js';
import {copyButtons, tableKeys} from './table_tools.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */

const kGroupKey = 'functions.group';
const kOnlyKey = 'functions.only';

class FunctionsView {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    const {store} = context;
    this.actions = {
      activate: (/** @type {number} */ f) => store.set({view: 'sandwich', func: f}),
      menu: (/** @type {number} */ f, /** @type {number} */ x, /** @type {number} */ y) => openFrameMenu(context, {func: f}, x, y),
    };
    this.grouping = choiceGroup('Group by', [{value: '', text: 'Functions'}, {value: 'module', text: 'By module'}, {value: 'file', text: 'By file'}],
        (value) => store.setExtra(kGroupKey, value));
    this.only = el('input', {type: 'checkbox', onchange: () => store.setExtra(kOnlyKey, this.only.checked ? '' : 'no')});
    this.onlyLabel = el('label', {title: 'leave out what the search does not find'}, this.only, 'only matches');
    this.summary = el('span', {class: 'dim', role: 'status'});
    this.panes = el('div', {class: 'panes'});
    this.form = '';
    /** @type {(FunctionTable|ChangeTable)[]} */
    this.tables = [];
    this.tools = el('div', {class: 'tools'}, this.grouping.element, this.onlyLabel, this.summary, el('span', {class: 'spacer'}),
        copyButtons(context, () => this.shownTable(), 'functions'));
    this.element = el('div', {class: 'tables'}, this.tools, this.panes);
    this.keys = [
      {key: 'g', text: 'group functions by module, by file, not', action: () => this.stepGrouping()},
      {key: 'n', text: 'next match', action: () => this.nextMatch(1)}, {key: 'N', text: 'previous match', action: () => this.nextMatch(-1)},
      {key: 'Enter', text: 'callers and callees of the row\'s function', action: () => false}, ...tableKeys(() => this.shownTable(), false),
    ];
  }

  // The one with the focus, of several.
  shownTable() {
    return (this.tables.find((each) => each.element.contains(document.activeElement)) || this.tables[0]).table;
  }

  stepGrouping() {
    const {store} = this.context;
    const next = {'': 'module', module: 'file', file: ''}[store.state.extra[kGroupKey] || ''];
    store.setExtra(kGroupKey, next || '');
  }

  /** @param {1|-1} step */
  nextMatch(step) {
    const table = this.tables.find((each) => each.element.contains(document.activeElement)) || this.tables[0];
    if (!table.nextMatch(step)) this.context.announce('The search finds no function here');
  }

  /** @param {ViewState} state @param {ViewState} old */
  update(state, old) {
    const {context} = this;
    const form = context.model.recordings.length > 1 ? state.compare : 'off';
    if (form !== this.form) this.make(form);
    const grouping = /** @type {import('./function_rows.js').Grouping} */ (['module', 'file'].find((each) => each === state.extra[kGroupKey]) || '');
    this.grouping.update(grouping);
    this.grouping.element.hidden = form === 'difference';
    this.only.checked = state.extra[kOnlyKey] !== 'no';
    this.onlyLabel.hidden = state.search === '';
    for (const table of this.tables) table.update(state, {grouping, only: this.only.checked});
    this.summary.textContent = this.tables.map((table) => table.summary()).join(' | ');
    if (state.func !== old.func || state === old) for (const table of this.tables) table.reveal(state.func);
  }

  /** @param {string} form */
  make(form) {
    const {context} = this;
    this.form = form;
    if (form === 'difference') {
      this.tables = [new ChangeTable(context, this.actions)];
      fill(this.panes, el('section', {}, this.tables[0].element));
      return;
    }
    const titles = context.model.recordings.map((recording, i) => `${i === 0 ? 'Base' : 'New'}: ${recording.meta.title}`);
    this.tables = form === 'side' ? [new FunctionTable(context, 0, this.actions), new FunctionTable(context, 1, this.actions)] :
        [new FunctionTable(context, 0, this.actions)];
    fill(this.panes, ...this.tables.map((table, i) =>
      el('section', {}, form === 'side' ? el('h2', {class: 'pane-title'}, titles[i]) : null, table.element)));
  }
}

/** @type {import('./page.js').View} */
export const kFunctionsView = {
  name: 'functions', title: 'Functions', key: '3', make: (context) => new FunctionsView(context),
  prepare: (model, state) => [() => functionOrderOf(model).byName, () => model.functionTable(state)],
};
