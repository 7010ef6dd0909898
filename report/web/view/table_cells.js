// SPDX-License-Identifier: Apache-2.0
// What stands in cells of tables. Cells are used again for other rows, so what they consist of is made once.
import {el} from './dom.js';

/** @param {HTMLElement} cell @param {string} text @param {string} [title] where the text may be cut off */
export function fillText(cell, text, title = '') {
  if (cell.textContent !== text) cell.textContent = text;
  if (cell.title !== title) cell.title = title;
}

// A number with a bar as long as its part of 1.
/** @param {HTMLElement} cell @param {string} text @param {number} part */
export function fillBar(cell, text, part) {
  cell.classList.add('part-bar');
  if (cell.textContent !== text) cell.textContent = text;
  cell.style.setProperty('--part', `${(Math.max(0, Math.min(1, part)) * 100).toFixed(2)}%`);
}

/**
 * @typedef {object} NameCell
 * @property {string} name
 * @property {string} [note] behind it, less important
 * @property {string} [colour] of its swatch
 * @property {boolean} [hit] of the search
 * @property {number} [depth] how far it is indented
 * @property {boolean|null} [expanded] with something below it
 */

const kIndent = 14;
const kDeepest = 40;  // beyond, rows are indented no further, so that names stay in sight

/** @param {HTMLElement} cell @param {NameCell} what */
export function fillName(cell, {name, note = '', colour = '', hit = false, depth = 0, expanded}) {
  if (!cell.firstChild) {
    cell.append(el('span', {class: 'twisty', 'aria-hidden': 'true'}), el('span', {class: 'row-swatch', 'aria-hidden': 'true'}), el('span', {class: 'name'}),
        el('span', {class: 'name-note'}));
  }
  const [twisty, swatch, text, behind] = /** @type {HTMLElement[]} */ ([...cell.children]);
  twisty.hidden = expanded === undefined;
  twisty.textContent = expanded === null || expanded === undefined ? '' : expanded ? '▾' : '▸';
  swatch.hidden = colour === '';
  swatch.style.background = colour;
  if (text.textContent !== name) text.textContent = name;
  text.classList.toggle('hit', hit);
  if (behind.textContent !== note) behind.textContent = note;
  cell.title = note === '' ? name : `${name} ${note}`;
  cell.style.paddingLeft = `${6 + Math.min(depth, kDeepest) * kIndent}px`;
}

// The order that state.sort says: a column's key, after '-' against its usual way (numbers: the greatest first; text: from A on).
/** @param {string} sort @param {import('./virtual_table.js').Column[]} columns @param {string} usual @returns {{key: string, descending: boolean}} */
export function sortOf(sort, columns, usual) {
  const turned = sort.startsWith('-');
  const wanted = turned ? sort.slice(1) : sort;
  const column = columns.find((each) => each.key === wanted && each.sortable);
  const key = column ? wanted : usual;
  const isNumber = Boolean(columns.find((each) => each.key === key)?.number);
  return {key, descending: isNumber !== (column !== undefined && turned)};
}

/** @param {string} key @param {boolean} descending @param {import('./virtual_table.js').Column[]} columns @returns {string} state.sort */
export function sortText(key, descending, columns) {
  const isNumber = Boolean(columns.find((column) => column.key === key)?.number);
  return isNumber === descending ? key : `-${key}`;
}

const kShortPlace = 28;

// "…/parse/lexer.cc:12" of a long path: its last folder, or none if that is still long.
/** @param {string} file @param {number} line */
export function placeText(file, line) {
  const parts = file.split('/');
  const behind = line > 0 ? `:${line}` : '';
  const inFolder = (parts.length > 3 ? '…/' + parts.slice(-2).join('/') : file) + behind;
  return inFolder.length <= kShortPlace ? inFolder : parts[parts.length - 1] + behind;
}
