// SPDX-License-Identifier: Apache-2.0
// VirtualTable: a grid (or a treegrid) of any number of rows, of which only those in sight are elements; they are used
// again for others as it scrolls. One row takes part in the order of focus; it stays an element while it is out of
// sight, so that the focus is never lost. What rows say is asked of columns, their number and names of a source.
import {el} from './dom.js';
import {TableHeader} from './table_header.js';
import {TypeAhead} from './type_ahead.js';
import {TableInput} from './table_input.js';
import {findByName, rowsInSight, scrollToShow} from './table_window.js';

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {string} [help] what it means, in a sentence
 * @property {number} width pixels; 0: what the others leave, of one column
 * @property {boolean} [number] stands at the right
 * @property {boolean} [sortable]
 * @property {number} [from] only shown in a table at least so wide
 * @property {(cell: HTMLElement, row: number) => void} fill
 * @property {(row: number) => string|number} [text] as it is copied
 *
 * @typedef {object} RowSource
 * @property {number} count
 * @property {(row: number) => string} name what is searched by typing
 * @property {((row: number) => number)|undefined} [level] from 1 on: the table is a treegrid
 * @property {(row: number) => boolean|null} [expanded] null: there is nothing below
 * @property {(row: number) => string} [rowClass]
 *
 * @typedef {object} TableOptions
 * @property {string} label
 * @property {Column[]} columns
 * @property {number} [rowHeight]
 * @property {number} [nameWidth] the least width of the column with the rest
 * @property {string} [empty] what an empty table says
 * @property {(key: string, descending: boolean) => void} [onSort]
 * @property {(row: number) => void} [onActivate] Enter, double click
 * @property {(row: number) => void} [onSelect] the row became the active one by the user
 * @property {(row: number, open: boolean) => void} [onExpand]
 * @property {(row: number, x: number, y: number) => void} [onMenu]
 */

const kHeaderHeight = 28;

export class VirtualTable {
  /** @param {TableOptions} options */
  constructor(options) {
    this.options = options;
    this.rowHeight = options.rowHeight || 24;
    this.count = 0;
    this.active = 0;
    /** @type {RowSource} */
    this.source = {count: 0, name: () => ''};
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();  // drawn, by row number
    /** @type {HTMLElement[]} */
    this.spare = [];
    /** @type {Column[]} */
    this.columns = [];
    this.header = new TableHeader(options.columns, {
      sort: (key, descending) => options.onSort && options.onSort(key, descending),
      resized: () => this.layOut(),
      leave: () => this.focusRow(this.active),
    });
    this.body = el('div', {class: 'table-body', role: 'rowgroup'});
    this.nothing = el('p', {class: 'table-empty'}, options.empty || 'nothing to show');
    this.grid = el('div', {class: 'table-grid', role: 'grid', tabindex: -1, 'aria-label': options.label},
        this.header.element, this.body);
    this.typeAhead = new TypeAhead((text, from) => this.findTyped(text, from));
    this.element = el('div', {class: 'table'}, this.grid, this.nothing, this.typeAhead.element);
    // What the browser knows of sizes is asked for only when they change: to ask makes it lay out the page at once.
    this.top = 0;
    this.height = 0;
    this.width = innerWidth;
    this.grid.addEventListener('scroll', () => {
      this.top = this.grid.scrollTop;
      this.render();
    }, {passive: true});
    this.input = new TableInput(this);
    new ResizeObserver(() => {
      const isNew = this.height === 0;
      this.width = this.grid.clientWidth;
      this.height = this.grid.clientHeight;
      this.layOut();
      if (isNew && this.active * this.rowHeight >= this.windowHeight) {
        this.top = this.grid.scrollTop = this.active * this.rowHeight - Math.floor(this.windowHeight / 2);
        this.render();
      }
    }).observe(this.grid);
    this.layOut();
  }

  // Shows other rows, or the same with other contents. `active`: the row that takes part in the order of focus.
  /** @param {RowSource} source @param {number} [active] */
  show(source, active = 0) {
    const focused = this.body.contains(document.activeElement);
    this.source = source;
    this.count = source.count;
    this.active = Math.max(0, Math.min(active, this.count - 1));
    this.grid.setAttribute('role', source.level ? 'treegrid' : 'grid');
    this.grid.setAttribute('aria-rowcount', String(this.count + 1));
    this.body.style.height = this.count * this.rowHeight + 'px';
    this.nothing.hidden = this.count > 0;
    this.top = Math.min(this.top, Math.max(0, this.count * this.rowHeight - this.windowHeight));
    for (const row of this.rows.values()) this.spare.push(row);
    this.rows.clear();
    this.render();
    if (focused) this.focusRow(this.active);
  }

  /** @param {string} key @param {boolean} descending */
  showSort(key, descending) { this.header.showSort(key, descending); }

  // Which columns there are, and how wide: by the room there is.
  layOut() {
    const room = this.width;
    const shown = this.options.columns.filter((column) => !column.from || room >= column.from);
    const changed = shown.length !== this.columns.length || shown.some((column, i) => column !== this.columns[i]);
    const nameWidth = this.options.nameWidth || 220;
    const widths = shown.map((column) => this.header.widthOf(column));
    const least = widths.reduce((sum, width) => sum + (width || nameWidth), 0);
    this.grid.style.setProperty('--columns', widths.map((width) => (width ? width + 'px' : `minmax(${nameWidth}px, 1fr)`)).join(' '));
    this.grid.style.setProperty('--least', least + 'px');
    const focused = changed && this.body.contains(document.activeElement);
    if (changed) {
      this.columns = shown;
      this.header.show(shown);
      this.grid.setAttribute('aria-colcount', String(shown.length));
      for (const row of [...this.rows.values(), ...this.spare]) row.remove();
      this.rows.clear();
      this.spare = [];
    }
    this.render();
    if (focused) this.focusRow(this.active);
  }

  get windowHeight() { return Math.max(this.rowHeight, this.height - kHeaderHeight); }

  render() {
    const {first, end} = rowsInSight(this.top, this.windowHeight, this.rowHeight, this.count);
    for (const [at, row] of this.rows) {
      if ((at >= first && at < end) || at === this.active) continue;
      this.rows.delete(at);
      this.spare.push(row);
    }
    for (let at = first; at < end; at++) this.draw(at);
    if (this.active < this.count) this.draw(this.active);
    for (const row of this.spare) row.hidden = true;
  }

  /** @param {number} at */
  draw(at) {
    if (this.rows.has(at)) return;
    const row = this.spare.pop() || this.makeRow();
    this.rows.set(at, row);
    row.hidden = false;
    row.style.transform = `translateY(${at * this.rowHeight}px)`;
    row.dataset.row = String(at);
    row.setAttribute('aria-rowindex', String(at + 2));
    row.tabIndex = at === this.active ? 0 : -1;
    row.setAttribute('aria-selected', String(at === this.active));
    row.className = 'table-row' + (at % 2 ? ' odd' : '') + (this.source.rowClass ? ' ' + this.source.rowClass(at) : '');
    if (this.source.level) row.setAttribute('aria-level', String(this.source.level(at)));
    else row.removeAttribute('aria-level');
    const expanded = this.source.expanded ? this.source.expanded(at) : null;
    if (expanded === null) row.removeAttribute('aria-expanded');
    else row.setAttribute('aria-expanded', String(expanded));
    this.columns.forEach((column, i) => column.fill(/** @type {HTMLElement} */ (row.children[i]), at));
  }

  makeRow() {
    const cells = this.columns.map((column, i) => el('div', {
      class: 'table-cell' + (column.number ? ' number' : '') + ' column-' + column.key, role: 'gridcell', 'aria-colindex': i + 1,
    }));
    const row = el('div', {role: 'row'}, ...cells);
    row.style.height = this.rowHeight + 'px';
    this.body.append(row);
    return row;
  }

  // Makes a row the active one and brings it into sight.
  /** @param {number} at */
  activate(at) {
    const before = this.rows.get(this.active);
    if (before) {
      before.tabIndex = -1;
      before.setAttribute('aria-selected', 'false');
    }
    this.active = Math.max(0, Math.min(at, this.count - 1));
    const top = scrollToShow(this.active, this.top, this.windowHeight, this.rowHeight);
    if (top !== this.top && this.height > 0) {
      this.grid.scrollTop = top;
      this.top = top;
    }
    this.render();
    const now = this.rows.get(this.active);
    if (now) {
      now.tabIndex = 0;
      now.setAttribute('aria-selected', 'true');
    }
  }

  /** @param {number} at */
  focusRow(at) {
    if (this.count === 0) {
      this.grid.focus();
      return;
    }
    this.activate(at);
    const row = this.rows.get(this.active);
    if (row) row.focus({preventScroll: true});
  }

  /** @param {number} at */
  select(at) {
    this.focusRow(at);
    if (this.options.onSelect && this.count > 0) this.options.onSelect(this.active);
  }

  /** @param {string} text @param {boolean} next @returns {boolean} */
  findTyped(text, next) {
    const from = (this.active + (next ? 1 : 0)) % Math.max(1, this.count);
    const found = text === '' ? -1 : findByName(text, from, this.count, this.source.name);
    if (found >= 0) this.select(found);
    return found >= 0;
  }

  /** @param {number} at @param {boolean} open */
  expand(at, open) {
    if (this.options.onExpand) this.options.onExpand(at, open);
  }

  /** @param {number} at @returns {boolean} */
  openMenu(at) {
    const row = this.rows.get(at);
    if (!row || !this.options.onMenu) return false;
    const box = row.getBoundingClientRect();
    this.options.onMenu(at, box.left + 60, box.bottom);
    return true;
  }

  // All rows as they would be copied, the titles first.
  /** @returns {string[][]} */
  texts() {
    const copied = this.options.columns.filter((column) => column.text);
    const rows = [copied.map((column) => column.title)];
    for (let at = 0; at < this.count; at++) rows.push(copied.map((column) => String(/** @type {Function} */ (column.text)(at))));
    return rows;
  }
}
