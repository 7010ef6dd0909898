// SPDX-License-Identifier: Apache-2.0
// The rows of a function's source: its lines with their cost, as far as their text is in the page, and lines of other
// files that were inlined into it.

/**
 * @typedef {{file: string, line: number, self: number, total: number}} LineCost
 * @typedef {{file: string, first_line: number, lines: string[]}} SourceText
 *
 * @typedef {object} SourceRow
 * @property {'file'|'line'|'gap'} kind
 * @property {string} file
 * @property {number} line 0: code of no known line; gap: the first line that is not shown
 * @property {number} count gap: how many
 * @property {string} text
 * @property {boolean} known whether the text is
 * @property {number} self
 * @property {number} total
 */

const kAround = 400;  // lines shown around those with cost; more would make a page of a whole file

/** @param {LineCost[]} costs @returns {{file: string, costs: LineCost[], self: number, total: number}[]} most cost first */
export function filesOf(costs) {
  const files = /** @type {Map<string, LineCost[]>} */ (new Map());
  for (const cost of costs) {
    const list = files.get(cost.file);
    if (list) list.push(cost);
    else files.set(cost.file, [cost]);
  }
  const sum = (/** @type {LineCost[]} */ list, /** @type {'self'|'total'} */ key) => list.reduce((all, cost) => all + cost[key], 0);
  return [...files].map(([file, list]) => ({file, costs: list, self: sum(list, 'self'), total: sum(list, 'total')}))
      .sort((a, b) => b.self - a.self || b.total - a.total);
}

// Text by line number, of all stretches of a file.
/** @param {SourceText[]} sources @param {string} file */
function textOf(sources, file) {
  const text = /** @type {Map<number, string>} */ (new Map());
  for (const source of sources) {
    if (source.file !== file) continue;
    source.lines.forEach((line, i) => text.set(source.first_line + i, line));
  }
  return text;
}

/** @param {LineCost[]} costs of one function, from linesOfFunction @param {SourceText[]} sources of the page
 * @param {{file: string, line: number}} begin where the function is written: file '' and line 0, where that is not known
 * @returns {SourceRow[]} */
export function sourceRows(costs, sources, begin) {
  /** @type {SourceRow[]} */
  const rows = [];
  for (const file of filesOf(costs)) {
    rows.push({kind: 'file', file: file.file, line: 0, count: 0, text: '', known: false, self: file.self, total: file.total});
    const text = textOf(sources, file.file);
    const byLine = new Map(file.costs.map((cost) => [cost.line, cost]));
    const hot = [...byLine.keys()].filter((line) => line > 0);
    if (begin.file === file.file && begin.line > 0) hot.push(begin.line);
    const wanted = new Set(byLine.keys());
    for (const line of hot) {
      for (let near = Math.max(1, line - kAround); near <= line + kAround; near++) if (text.has(near)) wanted.add(near);
    }
    let last = 0;
    for (const line of [...wanted].sort((a, b) => a - b)) {
      if (last > 0 && line > last + 1) rows.push({kind: 'gap', file: file.file, line: last + 1, count: line - last - 1, text: '', known: false, self: 0, total: 0});
      const cost = byLine.get(line);
      const known = text.get(line);
      rows.push({kind: 'line', file: file.file, line, count: 0, text: known || '', known: known !== undefined,
        self: cost ? cost.self : 0, total: cost ? cost.total : 0});
      last = line;
    }
  }
  return rows;
}

// The row to go to from `row` on for the next hotter or colder line: lines by their cost, the first one again after the last.
/** @param {{self: number, total: number}[]} rows @param {number} row @param {1|-1} step @returns {number} -1: none has cost */
export function nextHotRow(rows, row, step) {
  const hot = rows.map((each, i) => ({i, self: each.self, total: each.total, hot: isHot(rows, i)})).filter((each) => each.hot)
      .sort((a, b) => b.self - a.self || b.total - a.total || a.i - b.i);
  if (hot.length === 0) return -1;
  const at = hot.findIndex((each) => each.i === row);
  if (at < 0) return hot[step > 0 ? 0 : hot.length - 1].i;
  return hot[(at + step + hot.length) % hot.length].i;
}

/** @param {any[]} rows @param {number} i */
function isHot(rows, i) {
  const {kind, self, total} = rows[i];
  return (kind === undefined || kind === 'line' || kind === 'instruction') && (self > 0 || total > 0);
}
