// SPDX-License-Identifier: Apache-2.0
// The time-ordered tree: the stacks of each thread one after the other, a frame as wide as the run of stacks that have
// it. A node is a run of entries; its children are found when they are asked for.
import {forEachEntry} from './metrics.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {import('./tree.js').FrameTree} FrameTree */
/** @typedef {{thread: Uint32Array, path: Int32Array, value: Float64Array, count: Float64Array}} TimedEntries by thread, then time */

/**
 * What the filter lets through in order of thread and time; within one slice by path, since its order is not known.
 * @param {Recording} recording @param {string} metric @param {import('./metrics.js').Filter} filter
 * @param {{to: Int32Array, paths: Paths}} mapped where transforms move the recording's paths
 * @returns {TimedEntries}
 */
export function timedEntries(recording, metric, filter, {to, paths}) {
  let capacity = 1024;
  let size = 0;
  let [thread, slice, path] = [new Uint32Array(capacity), new Int32Array(capacity), new Int32Array(capacity)];
  let [value, count] = [new Float64Array(capacity), new Float64Array(capacity)];
  forEachEntry(recording, metric, filter, (stack, amount, number, at, who) => {
    const where = to[recording.pathOf(stack)];
    if (where < 0 || amount <= 0) return;
    if (size === capacity) {
      capacity *= 2;
      [thread, slice, path] = [grown(thread, capacity), grown(slice, capacity), grown(path, capacity)];
      [value, count] = [grown(value, capacity), grown(count, capacity)];
    }
    thread[size] = who;
    slice[size] = at;
    path[size] = where;
    value[size] = amount;
    count[size++] = number;
  });
  const rank = rankInWalk(paths);
  // Least key first, each sort stable: path, slice, thread.
  let order = sortedBy(Uint32Array.from({length: size}, (_, i) => i), (i) => rank[path[i]], paths.count);
  order = sortedBy(order, (i) => slice[i] + 1, recording.sliceStart.length + 1);
  order = sortedBy(order, (i) => Math.min(thread[i], recording.threads.length), recording.threads.length + 1);
  return {
    thread: Uint32Array.from(order, (i) => thread[i]), path: Int32Array.from(order, (i) => path[i]),
    value: Float64Array.from(order, (i) => value[i]), count: Float64Array.from(order, (i) => count[i]),
  };
}

/** @template {Uint32Array|Int32Array|Float64Array} T @param {T} old @param {number} capacity @returns {T} */
function grown(old, capacity) {
  const larger = new /** @type {any} */ (old.constructor)(capacity);
  larger.set(old);
  return larger;
}

// A counting sort.
/** @param {Uint32Array} order @param {(i: number) => number} key below `keys` @param {number} keys */
function sortedBy(order, key, keys) {
  const next = new Uint32Array(keys + 1);
  for (const i of order) next[key(i) + 1]++;
  for (let k = 1; k <= keys; k++) next[k] += next[k - 1];
  const sorted = new Uint32Array(order.length);
  for (const i of order) sorted[next[key(i)]++] = i;
  return sorted;
}

// The place of each path in a walk over their tree, so that paths of equal beginnings are neighbours.
/** @param {Paths} paths */
function rankInWalk(paths) {
  const size = new Int32Array(paths.count).fill(1);
  for (let path = paths.count - 1; path > 0; path--) size[paths.parent[path]] += size[path];
  const rank = new Int32Array(paths.count);
  const next = new Int32Array(paths.count);
  next[0] = 1;
  for (let path = 1; path < paths.count; path++) {
    const parent = paths.parent[path];
    rank[path] = next[parent];
    next[parent] += size[path];
    next[path] = rank[path] + 1;
  }
  return rank;
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
    this.shared = sharedDepths(paths, entries);
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
    const {path, value} = this.entries;
    const {depth: depths, parent} = this.paths;
    const depth = node.depth + 1;
    const made = [];
    for (let begin = node.begin; begin < node.end;) {
      let end = begin + 1;
      while (end < node.end && this.shared[end] >= depth) end++;
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

// How deep each entry's path is the same as that of the entry before it; -1 at another thread's first.
/** @param {Paths} paths @param {TimedEntries} entries */
function sharedDepths(paths, {path, thread}) {
  const shared = new Int32Array(path.length).fill(-1);
  const {parent, depth} = paths;
  for (let i = 1; i < path.length; i++) {
    if (thread[i] !== thread[i - 1]) continue;
    let [a, b] = [path[i - 1], path[i]];
    while (a !== b) {
      if (depth[a] >= depth[b]) a = parent[a];
      else b = parent[b];
    }
    shared[i] = depth[a];
  }
  return shared;
}
