// SPDX-License-Identifier: Apache-2.0
// The rows of the function table: functions in an order, filtered, alone or under their module or file.
import {orderRows, ranksOf} from './row_order.js';

/**
 * @typedef {import('./functions.js').Functions} Functions
 * @typedef {import('./tree.js').TopDownTree} TopDownTree
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
    /** @type {Uint32Array|null} */
    this.names = null;
  }

  /** @returns {Uint32Array} all functions */
  get byName() {
    return this.names ??= orderRows(Uint32Array.from({length: this.functions.count}, (_, f) => f), this.ranksOf('name'), false);
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

/** @param {import('./model.js').Model} model @returns {FunctionOrder} */
export function functionOrderOf(model) {
  return model.once('function order', () => new FunctionOrder(model.functions));
}

// Self, total and count of groups of functions, a stack with several functions of a group counted once.
/** @param {TopDownTree} tree @param {Int32Array} groupOf by function; -1: none @param {number} groupCount */
export function groupTotals({paths, selfs, totals, counts, lists: {first, next}}, groupOf, groupCount) {
  const self = new Float64Array(groupCount);
  const total = new Float64Array(groupCount);
  const count = new Float64Array(groupCount);
  const within = new Int32Array(groupCount);  // frames of the group that enclose the one looked at
  const leave = (/** @type {number} */ path) => {
    const group = groupOf[paths.func[path]];
    if (group >= 0) within[group]--;
  };
  for (let path = first[0]; path > 0;) {
    const group = groupOf[paths.func[path]];
    if (group >= 0) {
      self[group] += selfs[path];
      if (within[group]++ === 0) {
        total[group] += totals[path];
        count[group] += counts[path];
      }
    }
    if (first[path] !== 0) {
      path = first[path];
      continue;
    }
    leave(path);
    while (path > 0 && next[path] === 0) {
      path = paths.parent[path];
      if (path > 0) leave(path);
    }
    if (path > 0) path = next[path];
  }
  return {self, total, count};
}

/** @param {FunctionOrder} order @param {FunctionTotals} totals @param {(f: number) => boolean} wanted
 * @returns {Uint32Array} functions that the totals have something of, by name */
export function shownFunctions(order, {total}, wanted) {
  const {byName} = order;
  const found = new Uint32Array(byName.length);
  let count = 0;
  for (let i = 0; i < byName.length; i++) if (total[byName[i]] > 0 && wanted(byName[i])) found[count++] = byName[i];
  return found.subarray(0, count);
}

// Functions alone; equal ones by their names.
/** @param {Uint32Array} shown by name @param {FunctionOrder} order @param {FunctionTotals} totals @param {string} key @param {boolean} descending
 * @returns {FunctionRows} */
export function flatRows(shown, order, totals, key, descending) {
  return {rows: Int32Array.from(orderRows(shown, order.valuesOf(key, totals), descending)), groups: [], shown: shown.length};
}

/**
 * @param {FunctionRows} flat
 * @param {Functions} functions
 * @param {TopDownTree} tree
 * @param {{grouping: Grouping, key: string, descending: boolean, closed: Set<string>}} options
 * @returns {FunctionRows} groups in the same order as their functions, which stand below those that are not closed
 */
export function groupedRows(flat, functions, tree, {grouping, key, descending, closed}) {
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
    name, self: sums.self[i], total: sums.total[i], count: sums.count[i], functions: members[i].length,
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
