// SPDX-License-Identifier: Apache-2.0
// The rows of the function table: functions in an order, filtered, alone or under their module or file.
import {orderRows, ranksOf} from './row_order.js';

/**
 * @typedef {import('./functions.js').Functions} Functions
 * @typedef {{self: Float64Array, total: Float64Array, count: Float64Array}} FunctionTotals
 * @typedef {''|'module'|'file'} Grouping
 * @typedef {{name: string, self: number, total: number, count: number, functions: number}} FunctionGroup
 *
 * @typedef {object} FunctionRows
 * @property {Int32Array} rows a function, or ~ the index of a group
 * @property {FunctionGroup[]} groups
 * @property {number} shown functions, those in closed groups as well
 */

export const kUnknownGroup = '[unknown]';

/** @param {Functions} functions @param {Grouping} grouping @param {number} f */
function groupName(functions, grouping, f) {
  return (grouping === 'module' ? functions.module(f) : functions.file(f)) || kUnknownGroup;
}

// What functions are ordered by: numbers of the totals, or the places of their texts, which are found out once.
export class FunctionOrder {
  /** @param {Functions} functions */
  constructor(functions) {
    this.functions = functions;
    /** @type {Map<string, Float64Array>} */
    this.ranks = new Map();
  }

  /** @param {string} key @param {FunctionTotals} totals @returns {Float64Array} by function */
  valuesOf(key, totals) {
    if (key === 'total' || key === 'count') return totals[key];
    if (key === 'name' || key === 'module' || key === 'file') return this.ranksOf(key);
    return totals.self;
  }

  /** @param {'name'|'module'|'file'} key @returns {Float64Array} */
  ranksOf(key) {
    let ranks = this.ranks.get(key);
    if (!ranks) {
      const {functions} = this;
      const text = (/** @type {number} */ f) => (key === 'name' ? functions.name(f) : key === 'module' ? functions.module(f) :
          `${functions.file(f)}:${String(functions.line(f)).padStart(9, '0')}`);
      ranks = ranksOf(Array.from({length: functions.count}, (_, f) => text(f)));
      this.ranks.set(key, ranks);
    }
    return ranks;
  }
}

// Self and total of groups of functions, a stack with several functions of a group counted once.
/**
 * @param {import('./tree.js').FrameTree} tree top-down
 * @param {Int32Array} groupOf by function
 * @param {number} groupCount
 */
export function groupTotals(tree, groupOf, groupCount) {
  const self = new Float64Array(groupCount);
  const total = new Float64Array(groupCount);
  const within = new Int32Array(groupCount);  // frames of the group that enclose the one looked at
  const walk = Array.from(tree.children(0));
  while (walk.length > 0) {
    const next = /** @type {number} */ (walk.pop());
    const node = next < 0 ? ~next : next;
    const f = tree.func(node);
    const group = f < 0 ? -1 : groupOf[f];
    if (next < 0) {
      within[group]--;
      continue;
    }
    if (group >= 0) {
      self[group] += tree.self(node);
      if (within[group]++ === 0) total[group] += tree.total(node);
      walk.push(~next);
    }
    const children = tree.children(node);
    for (let i = 0; i < children.length; i++) walk.push(children[i]);
  }
  return {self, total};
}

/**
 * @param {Functions} functions
 * @param {FunctionTotals} totals
 * @param {(f: number) => boolean} wanted
 * @returns {Uint32Array} functions that the totals have something of
 */
export function shownFunctions(functions, totals, wanted) {
  const found = [];
  for (let f = 0; f < functions.count; f++) if (totals.total[f] > 0 && wanted(f)) found.push(f);
  return Uint32Array.from(found);
}

// Functions alone.
/** @param {Uint32Array} shown @param {FunctionOrder} order @param {FunctionTotals} totals @param {string} key @param {boolean} descending
 * @returns {FunctionRows} */
export function flatRows(shown, order, totals, key, descending) {
  return {rows: Int32Array.from(orderFunctions(shown, order, totals, key, descending)), groups: [], shown: shown.length};
}

// Equal ones stand by their names.
/** @param {Uint32Array} shown @param {FunctionOrder} order @param {FunctionTotals} totals @param {string} key @param {boolean} descending */
function orderFunctions(shown, order, totals, key, descending) {
  const values = order.valuesOf(key, totals);
  if (key === 'name') return orderRows(shown, values, descending);
  return orderRows(orderRows(shown, order.ranksOf('name'), false), values, descending);
}

/**
 * @param {FunctionRows} flat
 * @param {Functions} functions
 * @param {FunctionTotals} totals
 * @param {import('./tree.js').FrameTree} tree top-down
 * @param {{grouping: Grouping, key: string, descending: boolean, closed: Set<string>}} options
 * @returns {FunctionRows} groups in the same order as their functions, which stand below those that are not closed
 */
export function groupedRows(flat, functions, totals, tree, {grouping, key, descending, closed}) {
  const groupOf = new Int32Array(functions.count).fill(-1);
  const names = /** @type {Map<string, number>} */ (new Map());
  /** @type {number[][]} */
  const members = [];
  for (const f of flat.rows) {
    const name = groupName(functions, grouping, f);
    let group = names.get(name);
    if (group === undefined) {
      group = names.size;
      names.set(name, group);
      members.push([]);
    }
    groupOf[f] = group;
    members[group].push(f);
  }
  const sums = groupTotals(tree, groupOf, names.size);
  const groups = [...names.keys()].map((name, i) => ({
    name, self: sums.self[i], total: sums.total[i], functions: members[i].length,
    count: members[i].reduce((sum, f) => sum + totals.count[f], 0),
  }));
  const values = key === 'total' || key === 'self' || key === 'count' ? Float64Array.from(groups, (group) => group[key]) :
      ranksOf(groups.map((group) => group.name));
  const rows = [];
  for (const group of orderRows(Uint32Array.from(groups, (_, i) => i), values, descending)) {
    rows.push(~group);
    if (!closed.has(groups[group].name)) rows.push(...members[group]);
  }
  return {rows: Int32Array.from(rows), groups, shown: flat.shown};
}
