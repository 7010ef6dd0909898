// SPDX-License-Identifier: Apache-2.0
// What keys and the pointer do in the rows of a VirtualTable.
import {rowForKey} from './table_window.js';

/** @param {Event} event */
const targetOf = (event) => /** @type {HTMLElement} */ (event.target);

export class TableInput {
  /** @param {import('./virtual_table.js').VirtualTable} table */
  constructor(table) {
    this.table = table;
    table.grid.addEventListener('keydown', (event) => this.onKey(event));
    table.body.addEventListener('click', (event) => this.onClick(event));
    table.body.addEventListener('dblclick', (event) => this.onDoubleClick(event));
    table.body.addEventListener('contextmenu', (event) => this.onContextMenu(event));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const {header, typeAhead, count} = this.table;
    if (typeAhead.onKey(event)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (header.element.contains(targetOf(event))) {
      header.onKey(event);
      return;
    }
    if (count === 0 || !this.handleRowKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {KeyboardEvent} event @returns {boolean} it was one */
  handleRowKey(event) {
    const {table} = this;
    const {onActivate, onExpand} = table.options;
    if (event.key === 'm' || event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) return table.openMenu(table.active);
    if (event.key === 'ArrowUp' && table.active === 0) return table.header.focus();
    const page = Math.max(1, Math.floor(table.windowHeight / table.rowHeight) - 1);
    const next = event.shiftKey ? -1 : rowForKey(event.key, table.active, table.count, page);
    if (next >= 0) {
      table.select(next);
      return true;
    }
    if (event.key === 'Enter' && onActivate) {
      onActivate(table.active);
      return true;
    }
    return Boolean(onExpand) && this.handleTreeKey(event.key);
  }

  /** @param {string} key @returns {boolean} it was one */
  handleTreeKey(key) {
    const {table} = this;
    const {active, source: {expanded, level}} = table;
    const open = expanded ? expanded(active) : null;
    if (key === ' ' && open !== null) table.expand(active, !open);
    else if (key === 'ArrowRight' && open === false) table.expand(active, true);
    else if (key === 'ArrowRight' && open) table.select(active + 1);
    else if (key === 'ArrowLeft' && open) table.expand(active, false);
    else if (key === 'ArrowLeft' && level && level(active) > 1) {
      let caller = active;
      while (level(caller) >= level(active)) caller--;
      table.select(caller);
    } else return key === ' ' || key === 'ArrowRight' || key === 'ArrowLeft';
    return true;
  }

  /** @param {Event} event @returns {number} -1: none */
  rowOf(event) {
    const row = /** @type {HTMLElement|null} */ (targetOf(event).closest('.table-row'));
    return row ? Number(row.dataset.row) : -1;
  }

  /** @param {MouseEvent} event */
  onClick(event) {
    const {table} = this;
    const at = this.rowOf(event);
    if (at < 0) return;
    const open = table.source.expanded ? table.source.expanded(at) : null;
    if (open === null || !targetOf(event).closest('.twisty')) {
      table.select(at);
      return;
    }
    table.activate(at);
    table.expand(at, !open);
    table.focusRow(table.active);
  }

  /** @param {MouseEvent} event */
  onDoubleClick(event) {
    const {onActivate} = this.table.options;
    const at = this.rowOf(event);
    if (at >= 0 && onActivate && !targetOf(event).closest('.twisty')) onActivate(at);
  }

  /** @param {MouseEvent} event */
  onContextMenu(event) {
    const {table} = this;
    const {onMenu} = table.options;
    const at = this.rowOf(event);
    if (at < 0 || !onMenu) return;
    event.preventDefault();
    table.focusRow(at);
    // The keyboard's menu key gives no place.
    if (event.clientX === 0 && event.clientY === 0) table.openMenu(at);
    else onMenu(at, event.clientX, event.clientY);
  }
}
