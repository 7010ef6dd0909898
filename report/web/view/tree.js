// SPDX-License-Identifier: Apache-2.0
// Trees of frames that views draw: from the root functions down, or from the leaf functions up. A tree's nodes are
// numbers; node 0 is the root, which is no function.

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
    this.totals = value.slice(0, this.size);
    this.counts = count.slice(0, this.size);
    addToParents(this.totals, paths.parent);
    addToParents(this.counts, paths.parent);
    this.lists = paths.children();
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

// Parents have smaller numbers.
/** @param {Float64Array} values @param {Int32Array} parent */
function addToParents(values, parent) {
  for (let n = values.length - 1; n > 0; n--) values[parent[n]] += values[n];
}

// Leaf functions first; the children of a frame are its callers, and are made when they are asked for: the whole tree
// is far larger than what anybody looks at.
/** @implements {FrameTree} */
export class InvertedTree {
  /** @param {PathValues} values */
  constructor({paths, value, count}) {
    this.paths = paths;
    this.values = value;
    this.pathCounts = count;
    this.groupOf = new Int32Array(highest(paths.func, paths.count) + 1);  // by function, while children are made; 0: none yet
    const {leaves, total, samples} = leavesOf(paths.count, value, count);
    // `leaves` from begin to end are the leaf paths that a node is of, and `at` how far up each of them it is.
    /** @type {{parent: number, func: number, kind: number, total: number, self: number, count: number, leaves: Int32Array, at: Int32Array, begin: number, end: number}[]} */
    this.nodes = [{parent: 0, func: -1, kind: 0, total, self: 0, count: samples, leaves, at: leaves, begin: 0, end: leaves.length}];
    /** @type {Map<number, Int32Array>} */
    this.made = new Map();
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
    const {leaves, at, begin, end} = this.nodes[n];
    const up = n === 0 ? at.slice(begin, end) : parentsOf(at, begin, end, this.paths.parent);
    const {functions, sizes} = this.groupByFunction(up);
    const {func} = this.paths;
    const {groupOf, nodes} = this;
    const first = nodes.length;
    const next = new Int32Array(functions.length);  // where a group's next leaf goes
    const callers = {leaves: new Int32Array(end - begin), at: new Int32Array(end - begin)};
    for (let group = 0, place = 0; group < functions.length; group++) {
      next[group] = place;
      place += sizes[group];
      nodes.push({parent: n, func: functions[group], kind: 0, total: 0, self: 0, count: 0, ...callers, begin: next[group], end: place});
    }
    for (let i = 0; i < up.length; i++) {
      if (up[i] === 0) continue;
      const place = next[groupOf[func[up[i]]] - 1]++;
      callers.leaves[place] = leaves[begin + i];
      callers.at[place] = up[i];
    }
    for (const f of functions) groupOf[f] = 0;
    for (let node = first; node < nodes.length; node++) this.addUp(nodes[node]);
    return Int32Array.from(functions, (_, i) => first + i).sort((a, b) => nodes[b].total - nodes[a].total || nodes[a].func - nodes[b].func);
  }
  /** @param {Int32Array} paths 0: none; groupOf is left as the number of each function's group, from 1 on */
  groupByFunction(paths) {
    const {func} = this.paths;
    const {groupOf} = this;
    const functions = [];
    /** @type {number[]} */
    const sizes = [];
    for (let i = 0; i < paths.length; i++) {
      if (paths[i] === 0) continue;
      const f = func[paths[i]];
      if (groupOf[f] === 0) {
        functions.push(f);
        sizes.push(0);
        groupOf[f] = sizes.length;
      }
      sizes[groupOf[f] - 1]++;
    }
    return {functions, sizes};
  }
  /** @param {InvertedTree['nodes'][0]} node */
  addUp(node) {
    const {values, pathCounts, paths: {parent, kind}} = this;
    const {leaves, at, begin, end} = node;
    let [total, count, self] = [0, 0, 0];
    for (let i = begin; i < end; i++) {
      const value = values[leaves[i]];
      total += value;
      count += pathCounts[leaves[i]];
      if (parent[at[i]] === 0) self += value;
    }
    Object.assign(node, {total, count, self, kind: kind[at[begin]]});
  }
}

/** @param {Int32Array} at @param {number} begin @param {number} end @param {Int32Array} parent */
function parentsOf(at, begin, end, parent) {
  const up = new Int32Array(end - begin);
  for (let i = 0; i < up.length; i++) up[i] = parent[at[begin + i]];
  return up;
}

/** @param {number} paths how many @param {Float64Array} value @param {Float64Array} count */
function leavesOf(paths, value, count) {
  const leaves = new Int32Array(paths);
  let [size, total, samples] = [0, 0, 0];
  for (let path = 1; path < paths; path++) {
    if (value[path] <= 0) continue;
    leaves[size++] = path;
    total += value[path];
    samples += count[path];
  }
  return {leaves: leaves.subarray(0, size), total, samples};
}

/** @param {Int32Array} numbers @param {number} count */
function highest(numbers, count) {
  let most = 0;
  for (let i = 0; i < count; i++) if (numbers[i] > most) most = numbers[i];
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
