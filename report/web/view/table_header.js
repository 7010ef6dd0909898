// SPDX-License-Identifier: Apache-2.0
// The head of a VirtualTable: titles that sort by a click or Enter, and borders that are dragged (Shift and an arrow on
// the keyboard). It is reached by the arrow up from the first row, and by Tab before the rows.
import {el} from './dom.js';

const kLeastWidth = 44;
const kStep = 16;

/** @typedef {import('./virtual_table.js').Column} Column */

export class TableHeader {
  /**
   * @param {Column[]} columns
   * @param {{sort: (key: string, descending: boolean) => void, resized: () => void, leave: () => void}} actions
   */
  constructor(columns, actions) {
    this.actions = actions;
    this.widths = new Map(columns.map((column) => [column.key, column.width]));
    this.initial = new Map(this.widths);
    /** @type {Column[]} */
    this.columns = [];
    /** @type {HTMLElement[]} */
    this.cells = [];
    this.sortKey = '';
    this.descending = true;
    this.at = 0;  // the cell that takes part in the order of focus
    this.row = el('div', {class: 'table-head-row', role: 'row', 'aria-rowindex': 1});
    this.element = el('div', {class: 'table-head', role: 'rowgroup'}, this.row);
  }

  /** @param {Column} column @returns {number} 0: the rest */
  widthOf(column) { return this.widths.get(column.key) || 0; }

  /** @param {Column[]} columns those that there is room for */
  show(columns) {
    const focused = this.row.contains(document.activeElement);
    this.columns = columns;
    this.at = Math.min(this.at, columns.length - 1);
    this.cells = columns.map((column, i) => this.makeCell(column, i));
    this.row.replaceChildren(...this.cells);
    this.showSort(this.sortKey, this.descending);
    if (focused) this.focus();
  }

  /** @param {Column} column @param {number} i */
  makeCell(column, i) {
    const resizer = el('span', {class: 'table-resizer', 'aria-hidden': 'true'});
    const cell = el('div', {
      class: 'table-head-cell' + (column.number ? ' number' : '') + (column.sortable ? ' sortable' : ''), role: 'columnheader',
      'aria-colindex': i + 1, tabindex: i === this.at ? 0 : -1, title: column.help || null,
    }, el('span', {class: 'table-title'}, column.title), el('span', {class: 'table-arrow', 'aria-hidden': 'true'}), ...(column.width ? [resizer] : []));
    cell.addEventListener('click', (event) => {
      if (event.target === resizer) return;
      this.focusCell(i);
      this.sort(i);
    });
    resizer.addEventListener('pointerdown', (event) => this.drag(event, column, resizer));
    resizer.addEventListener('dblclick', () => this.resize(column, this.initial.get(column.key) || kLeastWidth));
    return cell;
  }

  /** @param {string} key @param {boolean} descending */
  showSort(key, descending) {
    this.sortKey = key;
    this.descending = descending;
    this.columns.forEach((column, i) => {
      const arrow = /** @type {HTMLElement} */ (this.cells[i].querySelector('.table-arrow'));
      arrow.textContent = column.key !== key ? '' : descending ? '▼' : '▲';
      if (column.key === key) this.cells[i].setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else if (column.sortable) this.cells[i].setAttribute('aria-sort', 'none');
    });
  }

  // Numbers begin with the greatest, texts with A.
  /** @param {number} i */
  sort(i) {
    const column = this.columns[i];
    if (!column.sortable) return;
    this.actions.sort(column.key, column.key === this.sortKey ? !this.descending : Boolean(column.number));
  }

  /** @param {Column} column @param {number} width */
  resize(column, width) {
    if (!column.width) return;
    this.widths.set(column.key, Math.max(kLeastWidth, Math.round(width)));
    this.actions.resized();
  }

  /** @param {PointerEvent} event @param {Column} column @param {HTMLElement} resizer */
  drag(event, column, resizer) {
    event.preventDefault();
    const start = event.clientX;
    const width = this.widthOf(column);
    resizer.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moved) => this.resize(column, width + moved.clientX - start);
    const end = () => {
      resizer.removeEventListener('pointermove', move);
      resizer.removeEventListener('pointerup', end);
      resizer.removeEventListener('pointercancel', end);
    };
    resizer.addEventListener('pointermove', move);
    resizer.addEventListener('pointerup', end);
    resizer.addEventListener('pointercancel', end);
  }

  /** @param {number} i */
  focusCell(i) {
    this.at = Math.max(0, Math.min(i, this.cells.length - 1));
    this.cells.forEach((cell, each) => { cell.tabIndex = each === this.at ? 0 : -1; });
    this.cells[this.at].focus();
  }

  /** @returns {boolean} */
  focus() {
    if (this.cells.length > 0) this.focusCell(this.at);
    return this.cells.length > 0;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const column = this.columns[this.at];
    if (step !== 0 && event.shiftKey) this.resize(column, this.widthOf(column) + step * kStep);
    else if (step !== 0) this.focusCell(this.at + step);
    else if (event.key === 'Home') this.focusCell(0);
    else if (event.key === 'End') this.focusCell(this.cells.length - 1);
    else if (event.key === 'ArrowDown') this.actions.leave();
    else if (event.key === 'Enter' || event.key === ' ') this.sort(this.at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
