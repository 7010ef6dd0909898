// SPDX-License-Identifier: Apache-2.0
// The two listings of the source view: lines of the source with their cost, and instructions as `flarestack annotate` has them.
import {codeRows, foldKey} from './code_rows.js';
import {countText, percentText} from './format.js';
import {valueText} from './metrics.js';
import {nextHotRow, sourceRows} from './source_rows.js';
import {fillText, placeText} from './table_cells.js';
import {VirtualTable} from './virtual_table.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./virtual_table.js').Column} Column */
/** @typedef {{self: number, total: number, metric: string}} Whole what percentages are of, and what values are in */

const kTab = 4;

// The heat behind a row's numbers: its part of the function's own cost.
/** @param {HTMLElement} cell @param {string} text @param {number} part */
function fillHeat(cell, text, part) {
  fillText(cell, text);
  cell.style.setProperty('--hot', part >= 0.005 ? (0.1 + 0.55 * Math.min(1, part)).toFixed(2) : '0');
  cell.classList.add('heat');
}

/** @param {() => Whole} whole @param {(row: number) => {self: number, total: number}} at @returns {Column[]} */
function costColumns(whole, at) {
  const part = (/** @type {number} */ value, /** @type {number} */ all) => (all > 0 ? value / all : 0);
  const value = (/** @type {number} */ amount) => (amount === 0 ? '' : valueText(whole().metric, amount));
  return [
    {key: 'selfShare', title: 'Self %', help: 'of the function\'s own cost', width: 78, number: true, text: (row) => (part(at(row).self, whole().self) * 100).toFixed(3),
      fill: (cell, row) => fillHeat(cell, at(row).self === 0 ? '' : percentText(part(at(row).self, whole().self)), part(at(row).self, whole().self))},
    {key: 'self', title: 'Self', width: 84, number: true, from: 560, text: (row) => at(row).self, fill: (cell, row) => fillText(cell, value(at(row).self))},
    {key: 'total', title: '+Calls %', help: 'with what is called there, of the function\'s total', width: 88, number: true, text: (row) => at(row).total, fill: (cell, row) =>
      fillText(cell, at(row).total > at(row).self ? percentText(part(at(row).total, whole().total)) : '')},
  ];
}

/** @param {string} text */
const withoutTabs = (text) => text.replace(/\t/g, ' '.repeat(kTab));

export class SourcePanel {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    /** @type {import('./source_rows.js').SourceRow[]} */
    this.rows = [];
    /** @type {Whole} */
    this.whole = {self: 0, total: 0, metric: 'cpu'};
    const at = (/** @type {number} */ row) => this.rows[row];
    this.table = new VirtualTable({
      label: 'Source', rowHeight: 20, nameWidth: 420, empty: 'no line of it is known: it has no debug information',
      columns: [...costColumns(() => this.whole, at),
        {key: 'line', title: 'Line', width: 60, number: true, text: (row) => at(row).line || '', fill: (cell, row) =>
          fillText(cell, at(row).kind === 'line' && at(row).line > 0 ? String(at(row).line) : '')},
        {key: 'text', title: 'Source', width: 0, text: (row) => this.textOf(row), fill: (cell, row) => fillText(cell, this.textOf(row), at(row).kind === 'file' ? at(row).file : '')}],
      onSelect: (row) => context.announce(this.describe(row)),
    });
    this.element = this.table.element;
  }

  /** @param {number} row */
  textOf(row) {
    const {kind, file, line, count, text, known} = this.rows[row];
    if (kind === 'file') return file || '[file not known]';
    if (kind === 'gap') return `⋯ ${countText(count)} line${count === 1 ? '' : 's'} without cost`;
    return line === 0 ? '[line not known]' : known ? withoutTabs(text) : `${placeText(file, line)}`;
  }

  /** @param {number} row */
  describe(row) {
    const {kind, line, self, total} = this.rows[row];
    if (kind !== 'line') return this.textOf(row);
    const {metric} = this.whole;
    return `line ${line}: self ${valueText(metric, self)}, with calls ${valueText(metric, total)}`;
  }

  /** @param {import('./source_rows.js').LineCost[]} costs @param {import('./source_rows.js').SourceText[]} sources @param {{file: string, line: number}} begin
   * @param {Whole} whole @param {boolean} toHottest */
  show(costs, sources, begin, whole, toHottest) {
    this.rows = sourceRows(costs, sources, begin);
    this.whole = whole;
    const active = toHottest ? Math.max(0, nextHotRow(this.rows, -1, 1)) : this.table.active;
    this.table.show({count: this.rows.length, name: (row) => this.textOf(row), rowClass: (row) => {
      const {kind, known, self, total} = this.rows[row];
      return `source-${kind}` + (kind === 'line' && !known ? ' unknown-text' : '') + (self > 0 || total > 0 ? '' : ' cold');
    }}, active);
    if (toHottest) this.table.activate(active);
  }

  // Whether the text of any line is there.
  hasText() { return this.rows.some((row) => row.known); }

  /** @param {1|-1} step @returns {boolean} */
  nextHot(step) {
    const row = nextHotRow(this.rows, this.table.active, step);
    if (row >= 0) this.table.select(row);
    return row >= 0;
  }
}

export class CodePanel {
  /** @param {Context} context @param {(f: string) => void} goTo a function of this name */
  constructor(context, goTo) {
    this.context = context;
    /** @type {import('./code_rows.js').CodeRow[]} */
    this.rows = [];
    /** @type {any} */
    this.annotation = null;
    this.att = false;
    /** @type {Map<string, string>} */
    this.sourceText = new Map();
    /** @type {Set<string>} */
    this.unfolded = new Set();
    /** @type {Whole} */
    this.whole = {self: 0, total: 0, metric: 'cpu'};
    const at = (/** @type {number} */ row) => this.rows[row];
    this.table = new VirtualTable({
      label: 'Instructions', rowHeight: 20, nameWidth: 440, empty: 'no instruction of it is in this page',
      columns: [...costColumns(() => this.whole, at),
        {key: 'address', title: 'Address', width: 82, number: true, from: 660, text: (row) => this.addressOf(row), fill: (cell, row) => fillText(cell, this.addressOf(row))},
        {key: 'text', title: 'Code', width: 0, text: (row) => this.textOf(row), fill: (cell, row) => this.fillCode(cell, row)}],
      onActivate: (row) => {
        if (at(row).kind === 'fold') this.unfold(row);
        else if (at(row).kind === 'instruction') this.follow(row, goTo);
      },
      onSelect: (row) => context.announce(this.textOf(row)),
    });
    this.element = this.table.element;
  }

  /** @param {number} row */
  addressOf(row) {
    const {kind, piece, at} = this.rows[row];
    return kind === 'instruction' ? piece.instructions[at].offset.replace(/^0x/, '') : '';
  }

  /** @param {number} row */
  textOf(row) {
    const {kind, piece, at, count, self, file, line, mark} = this.rows[row];
    const instruction = piece.instructions[at];
    switch (kind) {
      case 'piece': return `${piece.host ? 'inlined into ' : ''}${piece.name} ${piece.begin}-${piece.end}`;
      case 'source': {
        const text = this.sourceText.get(`${line}:${file}`);
        return `${placeText(file, line)}${mark ? ` ${mark}` : ''}${text === undefined ? '' : `  ${withoutTabs(text).trim()}`}`;
      }
      case 'fold': return `⋯ ${countText(count)} instruction${count === 1 ? '' : 's'} ` + (self > 0 ? `with ${percentText(self / (this.whole.self || 1))}` : 'with no cost') + ' (Enter)';
      case 'instruction': return (this.att ? instruction.att : instruction.intel).replace(/\t/g, ' ') + (instruction.leads_to ? `  ; ${instruction.leads_to}` : '');
      default: return '';
    }
  }

  /** @param {HTMLElement} cell @param {number} row */
  fillCode(cell, row) {
    const {lanes} = this.rows[row];
    const text = this.textOf(row);
    const whole = `${lanes} ${text}`;
    if (cell.textContent === whole) return;
    cell.replaceChildren(document.createElement('span'), document.createTextNode(` ${text}`));
    const [drawn] = cell.children;
    drawn.className = 'lanes';
    drawn.textContent = lanes;
    drawn.setAttribute('aria-hidden', 'true');
  }

  /** @param {any} annotation of `annotate --format json` @param {import('./source_rows.js').SourceText[]} sources @param {Whole} whole @param {boolean} att @param {boolean} isNew */
  show(annotation, sources, whole, att, isNew) {
    this.whole = whole;
    this.att = att;
    if (isNew) this.unfolded.clear();
    this.annotation = annotation;
    this.sourceText = new Map(sources.flatMap(({file, first_line, lines}) => lines.map((text, i) => /** @type {[string, string]} */ ([`${first_line + i}:${file}`, text]))));
    for (const {file, line, text} of annotation ? annotation.lines : []) if (text) this.sourceText.set(`${line}:${file}`, text);
    this.lay(isNew ? -1 : this.table.active);
  }

  /** @param {number} active -1: the hottest */
  lay(active) {
    this.rows = this.annotation ? codeRows(this.annotation, this.unfolded) : [];
    const to = active < 0 ? Math.max(0, nextHotRow(this.rows, -1, 1)) : active;
    this.table.show({count: this.rows.length, name: (row) => this.textOf(row), rowClass: (row) => `code-${this.rows[row].kind}`}, to);
    this.table.activate(to);
  }

  /** @param {number} row */
  unfold(row) {
    this.unfolded.add(foldKey(this.rows[row]));
    this.lay(row);
    this.table.focusRow(row);
  }

  // To where a jump leads, or to the function that is called.
  /** @param {number} row @param {(name: string) => void} goTo */
  follow(row, goTo) {
    const {piece, at} = this.rows[row];
    const {target, leads_to: callee} = piece.instructions[at];
    const to = target === undefined ? -1 : this.rows.findIndex((each) => each.kind === 'instruction' && each.piece === piece && piece.instructions[each.at].offset === target);
    if (to >= 0) this.table.select(to);
    else if (callee) goTo(callee);
  }

  /** @param {1|-1} step @returns {boolean} */
  nextHot(step) {
    const row = nextHotRow(this.rows, this.table.active, step);
    if (row >= 0) this.table.select(row);
    return row >= 0;
  }
}
