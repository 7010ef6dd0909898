// SPDX-License-Identifier: Apache-2.0
// The source view: a function's lines, and its instructions where the page has them, with what each costs; and in words what
// is missing and how to get it.
import {choiceGroup, el, fill} from './dom.js';
import {percentText} from './format.js';
import {linesOfFunction} from './function_lines.js';
import {FunctionPicker} from './function_picker.js';
import {metricOf, valueText} from './metrics.js';
import {functionInView} from './sandwich_view.js';
import {CodePanel, SourcePanel} from './source_panel.js';
import {placeText} from './table_cells.js';
import {copyButtons, tableKeys} from './table_tools.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */

const kListingKey = 'source.listing';  // 'code': instructions
const kSyntaxKey = 'source.syntax';    // 'att'

// The page's annotation of a function, if it has one; that of the metric that is shown, if it has several.
/** @param {{meta: any}} recording @param {import('./functions.js').Functions} functions @param {number} f @param {string} metric @returns {any} */
export function annotationOf(recording, functions, f, metric) {
  const found = (recording.meta.annotations || []).filter((/** @type {any} */ each) => each.name === functions.name(f) && each.module === functions.module(f));
  return found.find((/** @type {any} */ each) => each.metric === metric) || found[0] || null;
}

// What is missing of a function's source, and how it is had next time.
/** @param {{hasLines: boolean, hasText: boolean, hasCode: boolean, code: boolean, module: string, problems: string[]}} known @returns {string[]} */
export function missingParts({hasLines, hasText, hasCode, code, module, problems}) {
  const parts = [...problems];
  const where = module || 'its module';
  if (code && !hasCode) {
    parts.push('No instructions: the page has those of the functions that cost most by themselves, of modules that were there when it was made. ' +
        '`flarestack annotate TRACE FUNCTION` shows any; record with --bundle to keep the modules in the trace.');
  }
  if (!code && !hasLines) parts.push(`No line is known: ${where} has no debug information. Build it with -g, or install its debug package, and make the page anew.`);
  else if (!code && !hasText) parts.push('The text of these lines is not in this page: the files were not there, or younger than the program, when it was made. Record with --bundle to keep them in the trace.');
  return parts;
}

class SourceView {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    const {store} = context;
    this.shownFunction = -1;
    this.picker = new FunctionPicker(context, (func) => store.set({func}), () => this.panel().table.focusRow(this.panel().table.active));
    this.listing = choiceGroup('Listing', [{value: '', text: 'Source'}, {value: 'code', text: 'Instructions'}], (value) => store.setExtra(kListingKey, value));
    this.syntax = choiceGroup('Assembly syntax', [{value: '', text: 'Intel'}, {value: 'att', text: 'AT&T'}], (value) => store.setExtra(kSyntaxKey, value));
    this.sums = el('span', {class: 'dim'});
    this.notes = el('div', {class: 'source-notes'});
    this.hints = el('div', {class: 'work-hints'});
    this.source = new SourcePanel(context);
    this.code = new CodePanel(context, (name) => this.goToName(name));
    this.element = el('div', {class: 'tables'}, el('div', {class: 'tools'}, this.picker.element, this.listing.element, this.syntax.element, this.sums,
        el('span', {class: 'spacer'}), copyButtons(context, () => this.panel().table, 'source')), this.notes, this.hints, this.source.element, this.code.element);
    this.keys = [
      {key: 'h', text: 'next hot line, the hottest first', action: () => this.nextHot(1)}, {key: 'H', text: 'previous hot line', action: () => this.nextHot(-1)},
      {key: 'a', text: 'source or instructions', action: () => store.setExtra(kListingKey, this.isCode() ? '' : 'code')},
      {key: 's', text: 'Intel or AT&T syntax', action: () => store.setExtra(kSyntaxKey, store.state.extra[kSyntaxKey] === 'att' ? '' : 'att')},
      {key: 'p', text: 'choose a function', action: () => this.picker.input.focus()},
      {key: 'Enter', text: 'open a fold; to where a jump or call leads', action: () => false}, {key: 'Backspace', text: 'back to the function before', action: () => store.back()},
      ...tableKeys(() => this.panel().table, false).filter(({key}) => key !== 'm'),
    ];
  }

  isCode() { return this.context.store.state.extra[kListingKey] === 'code'; }
  panel() { return this.isCode() ? this.code : this.source; }

  /** @param {1|-1} step */
  nextHot(step) {
    if (!this.panel().nextHot(step)) this.context.announce('No line has a cost here');
  }

  /** @param {string} name */
  goToName(name) {
    const {functions, store, announce} = this.context;
    const plain = name.replace(/@plt$/, '');
    for (let f = 0; f < functions.count; f++) {
      if (functions.name(f) !== plain) continue;
      store.set({func: f});
      return;
    }
    announce(`${name} is in no stack of the recording`);
  }

  /** @param {ViewState} state */
  update(state) {
    const {context: {model, functions}} = this;
    const func = functionInView(this.context, state);
    // A function that only the second recording has is shown as it is there.
    const which = state.compare !== 'off' && model.recordings.length > 1 && func >= 0 && model.functionTable(state).total[func] === 0 ? 1 : 0;
    const totals = model.functionTable(state, which);
    const whole = model.total(state, which);
    this.picker.update(func, state);
    this.listing.update(state.extra[kListingKey] === 'code' ? 'code' : '');
    const code = this.isCode();
    this.syntax.update(state.extra[kSyntaxKey] === 'att' ? 'att' : '');
    this.syntax.element.hidden = !code;
    this.source.element.hidden = code;
    this.code.element.hidden = !code;
    const isNew = func !== this.shownFunction;
    this.shownFunction = func;
    if (func < 0) return;
    const recording = model.recordings[which];
    const annotation = annotationOf(recording, functions, func, state.metric);
    const {metric, ranges, process, thread} = state;
    const costs = model.keep(['lines', which, func, metric, ranges, process, thread], () => linesOfFunction(recording, model.stackValues(state, which).value, func));
    const own = costs.reduce((sum, each) => sum + each.self, 0);
    const sources = recording.meta.sources || [];
    const begin = {file: functions.file(func), line: functions.line(func)};
    if (!code) this.source.show(costs, sources, begin, {self: own, total: totals.total[func], metric: state.metric}, isNew);
    if (code) {
      const sums = annotation ? {self: annotation.self_with_inlined, total: annotation.total, metric: annotation.metric} : {self: 0, total: 0, metric: state.metric};
      this.code.show(annotation, sources, sums, state.extra[kSyntaxKey] === 'att', isNew);
    }
    this.sums.textContent = `self ${valueText(state.metric, totals.self[func])} (${percentText(totals.self[func] / whole)}), total ` +
        `${valueText(state.metric, totals.total[func])} (${percentText(totals.total[func] / whole)})`;
    this.showNotes(state, which, annotation, code, costs.some(({line}) => line > 0));
    this.showHints(code ? annotation : null);
  }

  /** @param {ViewState} state @param {number} which recording @param {any} annotation @param {boolean} code @param {boolean} hasLines */
  showNotes(state, which, annotation, code, hasLines) {
    const {functions, model} = this.context;
    const problems = annotation ? [...annotation.problems] : [];
    const notes = missingParts({hasLines, hasText: this.source.hasText(), hasCode: Boolean(annotation && annotation.pieces.length > 0), code,
      module: functions.module(this.shownFunction), problems});
    const filtered = state.ranges.length > 0 || state.process >= 0 || state.thread >= 0;
    if (code && annotation && (filtered || state.metric !== annotation.metric)) {
      notes.push(`Costs of instructions are ${metricOf(annotation.metric).title} of the whole recording, whatever is chosen above.`);
    }
    if (model.recordings.length > 1 && state.compare !== 'off') notes.push(which === 0 ? 'Costs are those of the base.' : 'Costs are those of the new recording: the base has none.');
    fill(this.notes, ...notes.map((note) => el('p', {class: 'note'}, note)));
  }

  // What kind of work it is, told from its instructions.
  /** @param {any} annotation */
  showHints(annotation) {
    const hints = annotation ? annotation.hints : [];
    fill(this.hints, ...hints.map((/** @type {any} */ hint) => el('details', {class: `work-hint ${hint.confidence}`},
        el('summary', {}, el('b', {}, `${percentText(hint.share)} ${hint.title}`), ` ${hint.confidence}`),
        el('p', {}, hint.why), el('p', {}, hint.remedy),
        el('ul', {class: 'code'}, ...hint.instructions.map((/** @type {any} */ each) =>
          el('li', {}, `${each.offset} ${each.intel.replace(/\s+/g, ' ')}${each.leads_to ? ` ; ${each.leads_to}` : ''}${each.line ? `  ${placeText(each.file, each.line)}` : ''}`))))));
  }
}

/** @type {import('./page.js').View} */
export const kSourceView = {name: 'source', title: 'Source', key: '5', make: (context) => new SourceView(context)};
