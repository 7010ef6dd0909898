// SPDX-License-Identifier: Apache-2.0
// The time-ordered tree: the stacks of each thread one after the other, a frame as wide as the run of stacks that have
// it. A node is a run of entries; its children are found when they are asked for.
import {endOfSlice, forEachEntry, partsOfSlices, wantedThreads} from './metrics.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {import('./tree.js').FrameTree} FrameTree */
/**
 * @typedef {object} TimedEntries in order of thread and time; within one slice by path, since its order is not known
 * @property {Uint32Array} thread
 * @property {Uint32Array} slice
 * @property {Int32Array} path
 * @property {Float64Array} value
 * @property {Float64Array} count
 * @property {Int32Array} shared how deep its path is the same as that of the entry before it; -1 at a thread's first
 */

const kEverything = {from: -Infinity, to: Infinity, process: -1, thread: -1};

/**
 * All that a metric counts. A quarter of a second for a million samples: to be kept.
 * @param {Recording} recording @param {string} metric
 * @param {{to: Int32Array, paths: Paths}} mapped where transforms move the recording's paths
 * @returns {TimedEntries}
 */
export function timedEntries(recording, metric, {to, paths}) {
  let size = 0;
  forEachEntry(recording, metric, kEverything, () => { size++; });
  const all = emptyEntries(size);
  size = 0;
  const threads = recording.threads.length;
  forEachEntry(recording, metric, kEverything, (stack, value, count, slice, thread) => {
    const path = to[recording.pathOf(stack)];
    if (path < 0 || value <= 0) return;
    all.thread[size] = Math.min(thread, threads);  // those that are lost are one
    all.slice[size] = slice;
    all.path[size] = path;
    all.value[size] = value;
    all.count[size++] = count;
  });
  const walk = walkOf(paths);
  const order = orderOf(all, size, walk.rank, threads + 1, recording.sliceStart.length + 1);
  const entries = emptyEntries(size);
  for (let i = 0; i < size; i++) {
    const from = order[i];
    entries.thread[i] = all.thread[from];
    entries.slice[i] = all.slice[from];
    entries.path[i] = all.path[from];
    entries.value[i] = all.value[from];
    entries.count[i] = all.count[from];
  }
  findShared(entries, paths, walk);
  return entries;
}

/** @param {number} size @returns {TimedEntries} */
function emptyEntries(size) {
  return {
    thread: new Uint32Array(size), slice: new Uint32Array(size), path: new Int32Array(size), value: new Float64Array(size),
    count: new Float64Array(size), shared: new Int32Array(size),
  };
}

/**
 * Of all entries, what a filter lets through: of each thread what is between two times, so that neighbours stay so.
 * @param {TimedEntries} all @param {Recording} recording @param {import('./metrics.js').Filter} filter
 * @returns {TimedEntries}
 */
export function filteredEntries(all, recording, filter) {
  const wanted = wantedThreads(recording, filter);
  const parts = partsOfSlices(recording, filter);
  if (wanted === null && parts.every((part) => part === 1)) return all;
  const entries = emptyEntries(all.path.length);
  let size = 0;
  for (let begin = 0, end = 0; begin < all.path.length; begin = end) {
    end = endOfSlice(all.slice, begin);
    for (let i = begin; i < end; i++) {
      const thread = all.thread[i];
      const part = parts[all.slice[i]];
      if (part === 0 || (wanted !== null && !wanted[thread])) continue;
      entries.shared[size] = size > 0 && entries.thread[size - 1] === thread ? all.shared[i] : -1;
      entries.thread[size] = thread;
      entries.path[size] = all.path[i];
      entries.value[size] = all.value[i] * part;
      entries.count[size++] = all.count[i] * part;
    }
  }
  const cut = (/** @type {any} */ column) => column.subarray(0, size);
  return {
    thread: cut(entries.thread), slice: cut(entries.slice), path: cut(entries.path), value: cut(entries.value),
    count: cut(entries.count), shared: cut(entries.shared),
  };
}

// Least key first, each sort stable: path, slice, thread.
/** @param {TimedEntries} all @param {number} size @param {Int32Array} rank @param {number} threads @param {number} slices */
function orderOf({thread, slice, path}, size, rank, threads, slices) {
  let order = new Uint32Array(size);
  const keys = new Uint32Array(size);
  for (let i = 0; i < size; i++) {
    order[i] = i;
    keys[i] = rank[path[i]];
  }
  order = sortedBy(order, keys, rank.length + 1);
  for (const [column, most] of /** @type {const} */ ([[slice, slices], [thread, threads]])) {
    for (let i = 0; i < size; i++) keys[i] = column[order[i]];
    order = sortedBy(order, keys, most + 1);
  }
  return order;
}

// A counting sort; `keys` are beside `order`.
/** @param {Uint32Array} order @param {Uint32Array} keys @param {number} most */
function sortedBy(order, keys, most) {
  const next = new Uint32Array(most + 1);
  for (let i = 0; i < order.length; i++) next[keys[i] + 1]++;
  for (let key = 1; key <= most; key++) next[key] += next[key - 1];
  const sorted = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[next[keys[i]]++] = order[i];
  return sorted;
}

// The place of each path in a walk over their tree, so that paths of equal beginnings are neighbours, and how many there
// are from it on that begin with it.
/** @param {Paths} paths */
function walkOf({count, parent}) {
  const size = new Int32Array(count).fill(1);
  for (let path = count - 1; path > 0; path--) size[parent[path]] += size[path];
  const rank = new Int32Array(count);
  const next = new Int32Array(count);
  next[0] = 1;
  for (let path = 1; path < count; path++) {
    rank[path] = next[parent[path]];
    next[parent[path]] += size[path];
    next[path] = rank[path] + 1;
  }
  return {rank, size};
}

/** @param {TimedEntries} entries @param {Paths} paths @param {{rank: Int32Array, size: Int32Array}} walk */
function findShared({thread, path, shared}, {parent, depth}, {rank, size}) {
  for (let i = 0; i < path.length; i++) {
    if (i === 0 || thread[i] !== thread[i - 1]) {
      shared[i] = -1;
      continue;
    }
    const place = rank[path[i]];
    let at = path[i - 1];
    while (place < rank[at] || place >= rank[at] + size[at]) at = parent[at];
    shared[i] = depth[at];
  }
}

/** @implements {FrameTree} */
export class TimeTree {
  /**
   * @param {Paths} paths @param {TimedEntries} entries @param {(thread: number) => number} threadFunction Functions'
   * entry for a thread, which its stacks are under where there are several
   */
  constructor(paths, entries, threadFunction) {
    this.paths = paths;
    this.entries = entries;
    this.threadFunction = threadFunction;
    const size = entries.path.length;
    this.valueBefore = sums(entries.value);
    this.countBefore = sums(entries.count);
    this.byThread = size > 0 && entries.thread[0] !== entries.thread[size - 1];
    // Of a node: its entries, and the depth of its paths; a thread's is 0, as the root's.
    /** @type {{parent: number, begin: number, end: number, depth: number, func: number, kind: number, self: number}[]} */
    this.nodes = [{parent: 0, begin: 0, end: size, depth: 0, func: -1, kind: 0, self: 0}];
    /** @type {Map<number, Int32Array>} */
    this.made = new Map();
  }
  /** @param {number} n */
  func(n) { return this.nodes[n].func; }
  /** @param {number} n */
  kind(n) { return this.nodes[n].kind; }
  /** @param {number} n */
  self(n) {
    this.children(n);
    return this.nodes[n].self;
  }
  /** @param {number} n */
  total(n) { return this.valueBefore[this.nodes[n].end] - this.valueBefore[this.nodes[n].begin]; }
  /** @param {number} n */
  count(n) { return this.countBefore[this.nodes[n].end] - this.countBefore[this.nodes[n].begin]; }
  /** @param {number} n */
  parent(n) { return this.nodes[n].parent; }
  /** @param {number} n @returns {Int32Array} in order of time */
  children(n) {
    let children = this.made.get(n);
    if (!children) {
      children = n === 0 && this.byThread ? this.makeThreads() : this.make(n);
      this.made.set(n, children);
    }
    return children;
  }
  makeThreads() {
    const {thread} = this.entries;
    const made = [];
    for (let begin = 0; begin < thread.length;) {
      let end = begin + 1;
      while (end < thread.length && thread[end] === thread[begin]) end++;
      made.push(this.nodes.length);
      this.nodes.push({parent: 0, begin, end, depth: 0, func: this.threadFunction(thread[begin]), kind: 6, self: 0});
      begin = end;
    }
    return Int32Array.from(made);
  }
  /** @param {number} n */
  make(n) {
    const node = this.nodes[n];
    const {path, value, shared} = this.entries;
    const {depth: depths, parent} = this.paths;
    const depth = node.depth + 1;
    const made = [];
    for (let begin = node.begin; begin < node.end;) {
      let end = begin + 1;
      while (end < node.end && shared[end] >= depth) end++;
      if (depths[path[begin]] < depth) {
        // Paths that end here share no more with what follows than this node's own: runs of them are one entry each.
        for (let i = begin; i < end; i++) node.self += value[i];
      } else {
        let at = path[begin];
        while (depths[at] > depth) at = parent[at];
        made.push(this.nodes.length);
        this.nodes.push({parent: n, begin, end, depth, func: this.paths.func[at], kind: this.paths.kind[at], self: 0});
      }
      begin = end;
    }
    return Int32Array.from(made);
  }
}

/** @param {Float64Array} values */
function sums(values) {
  const before = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) before[i + 1] = before[i] + values[i];
  return before;
}
