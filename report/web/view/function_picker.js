// SPDX-License-Identifier: Apache-2.0
// FunctionPicker: which function a view is about, chosen by typing parts of its name. A combobox with a list, as the
// ARIA Authoring Practices have it: the focus stays in the field, arrows go through the list.
import {el, fill} from './dom.js';
import {percentText} from './format.js';

/** @typedef {import('./page.js').Context} Context */

const kMostOffered = 40;

// Functions whose name holds all words, the heaviest first; without words, the heaviest.
/** @param {import('./functions.js').Functions} functions @param {Float64Array} total @param {string} text @param {number} most @returns {number[]} */
export function offeredFunctions(functions, total, text, most = kMostOffered) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [];
  for (let f = 0; f < functions.count; f++) {
    if (!(total[f] > 0)) continue;
    const name = functions.name(f).toLowerCase();
    if (words.every((word) => name.includes(word))) found.push(f);
  }
  return found.sort((a, b) => total[b] - total[a] || a - b).slice(0, most);
}

// Of the recordings that are shown, the one in which a function has most.
/** @param {import('./model.js').Model} model @param {import('./state.js').ViewState} state @returns {Float64Array} by function */
function greatestTotals(model, state) {
  const base = model.functionTable(state).total;
  if (model.recordings.length < 2 || state.compare === 'off') return base;
  const newer = model.functionTable(state, 1).total;
  return base.map((total, f) => Math.max(total, newer[f]));
}

export class FunctionPicker {
  /** @param {Context} context @param {(f: number) => void} choose @param {() => void} leave takes the focus, once one is chosen */
  constructor(context, choose, leave) {
    this.context = context;
    this.choose = choose;
    this.leave = leave;
    /** @type {Float64Array} */
    this.total = new Float64Array(0);
    this.whole = 0;
    this.current = -1;
    /** @type {number[]} */
    this.offered = [];
    this.at = -1;
    this.list = el('div', {class: 'picker-list', role: 'listbox', id: 'picker-list', 'aria-label': 'Functions', hidden: true});
    this.input = el('input', {
      type: 'search', class: 'picker', role: 'combobox', 'aria-label': 'Function', 'aria-expanded': 'false', 'aria-controls': 'picker-list', 'aria-autocomplete': 'list',
      autocomplete: 'off', spellcheck: 'false', placeholder: 'Function: type a part of its name',
      oninput: () => this.offer(this.input.value), onfocus: () => this.input.select(), onblur: () => this.close(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.onKey(event), onclick: () => this.offer(''),
    });
    this.element = el('span', {class: 'picker-box'}, this.input, this.list);
    this.list.addEventListener('pointerdown', (event) => {
      event.preventDefault();  // the field keeps the focus
      const option = /** @type {HTMLElement} */ (event.target).closest('[role=option]');
      if (option) this.take(this.offered[[...this.list.children].indexOf(option)]);
    });
  }

  /** @param {number} f @param {import('./state.js').ViewState} state */
  update(f, state) {
    const {model} = this.context;
    this.total = greatestTotals(model, state);
    this.whole = model.recordings.reduce((most, _, which) => Math.max(most, model.total(state, which)), 0);
    this.current = f;
    if (document.activeElement !== this.input) this.showCurrent();
  }

  showCurrent() { this.input.value = this.current >= 0 ? this.context.functions.name(this.current) : ''; }

  /** @param {string} text */
  offer(text) {
    const {functions} = this.context;
    this.offered = offeredFunctions(functions, this.total, text);
    this.at = this.offered.length > 0 ? 0 : -1;
    fill(this.list, ...this.offered.map((f, i) => el('div', {role: 'option', id: `picker-${i}`, 'aria-selected': 'false', title: functions.name(f)},
        el('span', {class: 'picker-name'}, functions.name(f)), el('span', {class: 'dim'}, percentText(this.total[f] / this.whole)))));
    if (this.offered.length === 0) fill(this.list, el('div', {role: 'option', 'aria-disabled': 'true', 'aria-selected': 'false', class: 'dim'}, 'no function of that name has a value here'));
    this.list.hidden = false;
    this.input.setAttribute('aria-expanded', 'true');
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((option, i) => {
      option.setAttribute('aria-selected', String(i === this.at));
      if (i === this.at) option.scrollIntoView({block: 'nearest'});
    });
    if (this.at >= 0) this.input.setAttribute('aria-activedescendant', `picker-${this.at}`);
    else this.input.removeAttribute('aria-activedescendant');
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute('aria-expanded', 'false');
    this.input.removeAttribute('aria-activedescendant');
    this.showCurrent();
  }

  /** @param {number|undefined} f */
  take(f) {
    if (f === undefined) return;
    this.current = f;
    this.close();
    this.choose(f);
    this.leave();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && this.list.hidden) this.offer('');
    else if (step !== 0 && this.offered.length > 0) {
      this.at = (this.at + step + this.offered.length) % this.offered.length;
      this.mark();
    } else if (event.key === 'Enter' && !this.list.hidden) this.take(this.offered[this.at]);
    else if (event.key === 'Escape' && !this.list.hidden) this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
