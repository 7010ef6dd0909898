// SPDX-License-Identifier: Apache-2.0
// What all tables of the page offer: copying, saving, their keys in the key sheet.
import {button, copyText, el} from './dom.js';
import {csvText, tabbedText} from './table_text.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./virtual_table.js').VirtualTable} VirtualTable */

/** @param {Context} context @param {() => VirtualTable} table @param {string} name of the file */
export function copyButtons(context, table, name) {
  const copy = async () => {
    const rows = table().texts();
    const copied = await copyText(tabbedText(rows));
    context.announce(copied ? `Copied ${(rows.length - 1).toLocaleString('en')} rows` : 'The browser did not let the page copy');
  };
  const save = () => {
    const link = el('a', {href: URL.createObjectURL(new Blob([csvText(table().texts())], {type: 'text/csv'})), download: `${name}.csv`});
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    context.announce(`Saved ${name}.csv`);
  };
  return el('span', {class: 'buttons'},
      button('Copy', copy, {title: 'all rows as text with tabs, for a spreadsheet'}), button('CSV', save, {title: 'save all rows as comma-separated values'}));
}

// For the key sheet: what a focused table does with keys. Those that mean nothing elsewhere work without the focus, too.
/** @param {() => VirtualTable} table @param {boolean} tree */
export function tableKeys(table, tree) {
  const told = (/** @type {string} */ key, /** @type {string} */ text) => ({key, text, action: () => false});
  const passed = (/** @type {string} */ key, /** @type {string} */ text) =>
    ({key, text, action: (/** @type {KeyboardEvent} */ event) => {
      table().focusRow(table().active);
      table().input.onKey(event);
    }});
  return [
    {key: 'ArrowDown', text: 'rows; from the first one up to the titles', action: () => toRows(table())}, told('ArrowUp', 'rows; from the first one up to the titles'),
    told('PageDown', 'a page of rows'), told('PageUp', 'a page of rows'), told('Home', 'first and last row'), told('End', 'first and last row'),
    ...(tree ? [told('ArrowRight', 'open and close a row'), told('ArrowLeft', 'open and close a row'), told(' ', 'open and close a row')] : []),
    passed('m', 'what can be done with the row\'s function'), passed("'", 'find a row by typing its name'),
    told('Shift+ArrowRight', 'on a title: wider, narrower (with ←)'),
  ];
}

// From anywhere where arrows mean nothing.
/** @param {VirtualTable} table @returns {boolean} */
function toRows(table) {
  const at = document.activeElement;
  if (at && at !== document.body && at.localName !== 'main') return false;
  table.focusRow(table.active);
  return true;
}
