// SPDX-License-Identifier: Apache-2.0
// Trees of frames that views draw: from the root functions down, or from the leaf functions up. A tree's nodes are
// numbers; node 0 is the root, which is no function.
import {childLists} from './paths.js';

/**
 * @typedef {object} FrameTree
 * @property {(n: number) => number} func  -1 of the root
 * @property {(n: number) => number} kind  index in kKinds, of this frame
 * @property {(n: number) => number} self
 * @property {(n: number) => number} total
 * @property {(n: number) => number} count  of samples or blocks that the total is of
 * @property {(n: number) => number} parent
 * @property {(n: number) => ArrayLike<number>} children  with a total above zero; heaviest first, or in order of time
 */
/** @typedef {{parent: Int32Array, func: Int32Array, kind: Uint8Array, count: number, child: Function}} PathTable */
/** @typedef {{paths: import('./paths.js').Paths, value: Float64Array, count: Float64Array}} PathValues */

/** @param {FrameTree} tree @param {number} node @returns {number[]} functions, the root's child first */
export function functionPath(tree, node) {
  const path = [];
  for (; node !== 0; node = tree.parent(node)) path.push(tree.func(node));
  return path.reverse();
}

/** @param {FrameTree} tree @param {number[]} path @returns {number} the node of the longest part of it that is there */
export function findPath(tree, path) {
  let node = 0;
  for (const func of path) {
    const children = tree.children(node);
    let next = -1;
    for (let i = 0; i < children.length && next < 0; i++) if (tree.func(children[i]) === func) next = children[i];
    if (next < 0) break;
    node = next;
  }
  return node;
}

/** @implements {FrameTree} */
export class TopDownTree {
  /** @param {PathValues} values */
  constructor({paths, value, count}) {
    this.paths = paths;
    this.size = paths.count;
    this.selfs = value;
    this.totals = Float64Array.from(value.subarray(0, this.size));
    this.counts = Float64Array.from(count.subarray(0, this.size));
    const {parent} = paths;
    for (let n = this.size - 1; n > 0; n--) {
      this.totals[parent[n]] += this.totals[n];
      this.counts[parent[n]] += this.counts[n];
    }
    this.lists = childLists(parent, this.size);
    /** @type {Map<number, Int32Array>} */
    this.sorted = new Map();
  }
  /** @param {number} n */
  func(n) { return this.paths.func[n]; }
  /** @param {number} n */
  kind(n) { return this.paths.kind[n]; }
  /** @param {number} n */
  self(n) { return this.selfs[n]; }
  /** @param {number} n */
  total(n) { return this.totals[n]; }
  /** @param {number} n */
  count(n) { return this.counts[n]; }
  /** @param {number} n */
  parent(n) { return this.paths.parent[n]; }
  /** @param {number} n @returns {Int32Array} */
  children(n) {
    const known = this.sorted.get(n);
    if (known) return known;
    const list = [];
    for (let child = this.lists.first[n]; child !== 0; child = this.lists.next[child]) {
      if (this.totals[child] > 0) list.push(child);
    }
    const children = Int32Array.from(list).sort((a, b) => this.totals[b] - this.totals[a] || a - b);
    this.sorted.set(n, children);
    return children;
  }
}

// Leaf functions first; the children of a frame are its callers, and are made when they are asked for: the whole tree
// is far larger than what anybody looks at.
/** @implements {FrameTree} */
export class InvertedTree {
  /** @param {PathValues} values @param {(path: number) => boolean} [begins] whether stacks of this leaf count; all */
  constructor({paths, value, count}, begins = () => true) {
    this.paths = paths;
    this.values = value;
    this.pathCounts = count;
    /** @type {{parent: number, func: number, kind: number, total: number, self: number, count: number}[]} */
    this.nodes = [{parent: 0, func: -1, kind: 0, total: 0, self: 0, count: 0}];
    // Of a node: the leaf paths that it is of, and how far up each of them it is.
    /** @type {{leaves: Int32Array, at: Int32Array}[]} */
    this.entries = [];
    /** @type {Map<number, Int32Array>} */
    this.made = new Map();
    this.groupOf = new Int32Array(highest(paths.func) + 1);  // by function, while children are made; 0: none yet
    const leaves = [];
    for (let path = 1; path < paths.count; path++) {
      if (value[path] > 0 && begins(path)) {
        leaves.push(path);
        this.nodes[0].total += value[path];
        this.nodes[0].count += count[path];
      }
    }
    const list = Int32Array.from(leaves);
    this.entries[0] = {leaves: list, at: list};
  }
  /** @param {number} n */
  func(n) { return this.nodes[n].func; }
  /** @param {number} n */
  kind(n) { return this.nodes[n].kind; }
  // What has no further caller.
  /** @param {number} n */
  self(n) { return this.nodes[n].self; }
  /** @param {number} n */
  total(n) { return this.nodes[n].total; }
  /** @param {number} n */
  count(n) { return this.nodes[n].count; }
  /** @param {number} n */
  parent(n) { return this.nodes[n].parent; }
  /** @param {number} n @returns {Int32Array} */
  children(n) {
    let children = this.made.get(n);
    if (!children) {
      children = this.make(n);
      this.made.set(n, children);
    }
    return children;
  }
  /** @param {number} n */
  make(n) {
    const {leaves, at} = this.entries[n];
    const {parent, func, kind} = this.paths;
    const {groupOf, values, pathCounts} = this;
    const next = new Int32Array(leaves.length);
    /** @type {number[]} */
    const sizes = [];
    const functions = [];
    for (let i = 0; i < leaves.length; i++) {
      const path = n === 0 ? at[i] : parent[at[i]];
      next[i] = path;
      if (path === 0) continue;
      const f = func[path];
      if (groupOf[f] === 0) {
        functions.push(f);
        sizes.push(0);
        groupOf[f] = sizes.length;
      }
      sizes[groupOf[f] - 1]++;
    }
    const first = this.nodes.length;
    const filled = new Int32Array(sizes.length);
    const lists = sizes.map((size) => ({leaves: new Int32Array(size), at: new Int32Array(size)}));
    for (let i = 0; i < leaves.length; i++) {
      const path = next[i];
      if (path === 0) continue;
      const group = groupOf[func[path]] - 1;
      if (filled[group] === 0) this.nodes[first + group] = {parent: n, func: func[path], kind: kind[path], total: 0, self: 0, count: 0};
      const leaf = leaves[i];
      lists[group].leaves[filled[group]] = leaf;
      lists[group].at[filled[group]++] = path;
      const node = this.nodes[first + group];
      node.total += values[leaf];
      node.count += pathCounts[leaf];
      if (parent[path] === 0) node.self += values[leaf];
    }
    for (const f of functions) groupOf[f] = 0;
    lists.forEach((list, i) => { this.entries[first + i] = list; });
    return Int32Array.from(lists, (_, i) => first + i)
        .sort((a, b) => this.nodes[b].total - this.nodes[a].total || this.nodes[a].func - this.nodes[b].func);
  }
}

/** @param {Int32Array} numbers */
function highest(numbers) {
  let most = 0;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] > most) most = numbers[i];
  return most;
}

/**
 * By function; a recursive one counts once per stack.
 * @param {TopDownTree} tree @param {number} functions how many there are
 */
export function functionTotals({paths, selfs, totals, counts}, functions) {
  const self = new Float64Array(functions);
  const total = new Float64Array(functions);
  const count = new Float64Array(functions);
  const {func} = paths;
  const recursive = paths.recursion();
  for (let path = 1; path < paths.count; path++) {
    const f = func[path];
    self[f] += selfs[path];
    if (totals[path] === 0 || recursive[path]) continue;
    total[f] += totals[path];
    count[f] += counts[path];
  }
  return {self, total, count};
}
