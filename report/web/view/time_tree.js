// SPDX-License-Identifier: Apache-2.0
// The time-ordered tree: the stacks of each thread one after the other, a frame as wide as the run of stacks that have
// it. A node is a run of entries; its children are found when they are asked for.
import {countedRows, forEachRun} from './metrics.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {import('./tree.js').FrameTree} FrameTree */
/** @typedef {import('./row_runs.js').RowRuns} RowRuns */
/** @typedef {{to: Int32Array, paths: Paths}} Mapped where transforms move the recording's paths */
/**
 * @typedef {object} TimedEntries in order of thread and time; within one slice by path, since its order is not known
 * @property {number} size
 * @property {Int32Array} path
 * @property {Int32Array} shared how deep its path is the same as that of the entry before it; -1 at a thread's first
 * @property {Int32Array} least of `shared`, of kBlock entries each
 * @property {Float64Array} valueBefore what all entries before each one have together; the last is the whole
 * @property {Float64Array} countBefore
 * @property {RowRuns} runs
 */

const kBlock = 64;

// Puts all that a metric counts in order, a part at a time: of a million samples it takes a tenth of a second.
export class TimeOrder {
  /** @param {Recording} recording @param {string} metric @param {Mapped} mapped */
  constructor(recording, metric, mapped) {
    this.recording = recording;
    this.mapped = mapped;
    this.rows = countedRows(recording, metric);
    this.walk = walkOf(mapped.paths);
    this.entries = emptyEntries(this.rows.stack.length);
    const {begin, slice, thread} = this.rows.runs;
    this.order = Uint32Array.from(slice, (_, run) => run).sort((a, b) => thread[a] - thread[b] || slice[a] - slice[b] || a - b);
    this.done = 0;  // runs of that order
    this.runs = {begin: new Uint32Array(begin.length), slice: new Uint32Array(slice.length), thread: new Uint32Array(slice.length)};
  }

  /** @returns {TimedEntries} */
  all() {
    this.work(() => false);
    return this.entries;
  }
  /** @param {() => boolean} stop asked after each run @returns {boolean} all is done */
  work(stop) {
    const {order, rows: {runs: {thread, slice}}, runs, entries} = this;
    if (entries.runs === runs) return true;
    const threads = this.recording.threads.length;
    while (this.done < order.length) {
      const run = order[this.done];
      runs.begin[this.done] = entries.size;
      runs.slice[this.done] = slice[run];
      runs.thread[this.done] = Math.min(thread[run], threads);  // those that are lost are one
      this.addRun(run, this.done > 0 && runs.thread[this.done - 1] === runs.thread[this.done]);
      this.done++;
      if (this.done < order.length && stop()) return false;
    }
    runs.begin[order.length] = entries.size;
    entries.least = leastOfBlocks(entries.shared, entries.size);
    entries.runs = runs;
    return true;
  }

  /** @param {number} run @param {boolean} goesOn the run before it is of the same thread */
  addRun(run, goesOn) {
    const {rows: {stack, skip, value, count, runs: {begin}}, entries, mapped: {to}, recording: {pathOfStack}} = this;
    const {path, valueBefore, countBefore} = entries;
    const first = entries.size;
    let size = first;
    const rowOf = this.rowsInOrder(begin[run], begin[run + 1]);
    for (let i = begin[run]; i < begin[run + 1]; i++) {
      const row = rowOf === null ? i : rowOf[i - begin[run]];
      const moved = to[pathOfStack[stack[row]]];
      if (moved < 0 || value[row] <= 0 || (skip !== null && skip[row] !== 0)) continue;
      path[size] = moved;
      valueBefore[size + 1] = valueBefore[size] + value[row];
      countBefore[size + 1] = countBefore[size] + count[row];
      size++;
    }
    entries.size = size;
    findShared(entries, first, goesOn, this.mapped.paths, this.walk);
  }

  // Rows of a run so that paths of equal beginnings are neighbours, as they mostly are: then null.
  /** @param {number} begin @param {number} end @returns {Uint32Array|null} */
  rowsInOrder(begin, end) {
    const {rows: {stack}, mapped: {to}, recording: {pathOfStack}, walk: {rank}} = this;
    let last = -1;
    let row = begin;
    for (; row < end; row++) {
      const moved = to[pathOfStack[stack[row]]];
      const place = moved < 0 ? last : rank[moved];
      if (place < last) break;
      last = place;
    }
    if (row === end) return null;
    const length = end - begin;
    const keys = Float64Array.from({length}, (_, i) => rank[Math.max(to[pathOfStack[stack[begin + i]]], 0)] * length + i).sort();
    return Uint32Array.from(keys, (key) => begin + key % length);
  }
}

/** @param {number} size @returns {TimedEntries} */
function emptyEntries(size) {
  return {
    size: 0, path: new Int32Array(size), shared: new Int32Array(size), least: new Int32Array(0), valueBefore: new Float64Array(size + 1),
    countBefore: new Float64Array(size + 1), runs: {begin: new Uint32Array(1), slice: new Uint32Array(0), thread: new Uint32Array(0)},
  };
}

/**
 * Of all entries, what a filter lets through: of each thread what is between two times, so that neighbours stay so.
 * @param {TimedEntries} all @param {Recording} recording @param {import('./metrics.js').Filter} filter
 * @returns {TimedEntries}
 */
export function filteredEntries(all, recording, filter) {
  if (filter.process === -1 && filter.thread === -1 && filter.from <= 0 && filter.to >= recording.durationNs) return all;
  let size = 0;
  /** @type {{begin: number, end: number, part: number, slice: number, thread: number}[]} */
  const kept = [];
  forEachRun(recording, all.runs, filter, (begin, end, part, slice, thread) => {
    kept.push({begin, end, part, slice, thread});
    size += end - begin;
  });
  const entries = emptyEntries(size);
  const threads = Uint32Array.from(kept, (run) => run.thread);
  entries.runs = {begin: new Uint32Array(kept.length + 1), slice: Uint32Array.from(kept, (run) => run.slice), thread: threads};
  let last = -1;
  kept.forEach(({begin, end, part}, i) => {
    const first = entries.size;
    entries.runs.begin[i] = first;
    copyRun(all, begin, end, part, entries);
    if (end === begin) return;
    if (last !== threads[i]) entries.shared[first] = -1;
    last = threads[i];
  });
  entries.runs.begin[kept.length] = size;
  entries.least = leastOfBlocks(entries.shared, size);
  return entries;
}

/** @param {TimedEntries} from @param {number} begin @param {number} end @param {number} part @param {TimedEntries} to */
function copyRun(from, begin, end, part, to) {
  to.path.set(from.path.subarray(begin, end), to.size);
  to.shared.set(from.shared.subarray(begin, end), to.size);
  let at = to.size;
  for (let i = begin; i < end; i++, at++) {
    to.valueBefore[at + 1] = to.valueBefore[at] + (from.valueBefore[i + 1] - from.valueBefore[i]) * part;
    to.countBefore[at + 1] = to.countBefore[at] + (from.countBefore[i + 1] - from.countBefore[i]) * part;
  }
  to.size = at;
}

/** @param {Int32Array} shared @param {number} size */
function leastOfBlocks(shared, size) {
  const least = new Int32Array(Math.ceil(size / kBlock));
  for (let block = 0; block < least.length; block++) least[block] = leastIn(shared, block * kBlock, Math.min(size, (block + 1) * kBlock));
  return least;
}
/** @param {Int32Array} numbers @param {number} begin @param {number} end */
function leastIn(numbers, begin, end) {
  let least = numbers[begin];
  for (let i = begin + 1; i < end; i++) if (numbers[i] < least) least = numbers[i];
  return least;
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

/** @param {TimedEntries} entries @param {number} first those from here on @param {boolean} goesOn the one before is of the same thread
 * @param {Paths} paths @param {{rank: Int32Array, size: Int32Array}} walk */
function findShared({path, shared, size: end}, first, goesOn, {parent, depth}, {rank, size}) {
  for (let i = first; i < end; i++) {
    if (i === 0 || (i === first && !goesOn)) {
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
    this.threads = threadsOf(entries.runs);
    this.byThread = this.threads.length > 1;
    // Of a node: its entries, and the depth of its paths; a thread's is 0, as the root's.
    /** @type {{parent: number, begin: number, end: number, depth: number, func: number, kind: number, self: number}[]} */
    this.nodes = [{parent: 0, begin: 0, end: entries.size, depth: 0, func: -1, kind: 0, self: 0}];
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
  total(n) { return this.entries.valueBefore[this.nodes[n].end] - this.entries.valueBefore[this.nodes[n].begin]; }
  /** @param {number} n */
  count(n) { return this.entries.countBefore[this.nodes[n].end] - this.entries.countBefore[this.nodes[n].begin]; }
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
    return Int32Array.from(this.threads, ({thread, begin, end}) =>
      this.nodes.push({parent: 0, begin, end, depth: 0, func: this.threadFunction(thread), kind: 6, self: 0}) - 1);
  }
  /** @param {number} n */
  make(n) {
    const node = this.nodes[n];
    const {path, shared, least, valueBefore} = this.entries;
    const {depth: depths, parent} = this.paths;
    const depth = node.depth + 1;
    const made = [];
    for (let begin = node.begin; begin < node.end;) {
      const end = nextBelow(shared, least, begin + 1, node.end, depth);
      if (depths[path[begin]] < depth) {
        // Paths that end here share no more with what follows than this node's own: runs of them are one entry each.
        node.self += valueBefore[end] - valueBefore[begin];
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

// The first number from `at` on that is below `depth`; `end` where there is none.
/** @param {Int32Array} shared @param {Int32Array} least @param {number} at @param {number} end @param {number} depth */
function nextBelow(shared, least, at, end, depth) {
  while (at < end) {
    if (at % kBlock === 0 && least[at / kBlock] >= depth) at += kBlock;
    else if (shared[at] >= depth) at++;
    else return at;
  }
  return end;
}

// What each thread has, of those that have something.
/** @param {RowRuns} runs @returns {{thread: number, begin: number, end: number}[]} */
function threadsOf({begin, thread}) {
  /** @type {{thread: number, begin: number, end: number}[]} */
  const threads = [];
  for (let run = 0; run < thread.length; run++) {
    if (begin[run + 1] === begin[run]) continue;
    const last = threads[threads.length - 1];
    if (last && last.thread === thread[run]) last.end = begin[run + 1];
    else threads.push({thread: thread[run], begin: begin[run], end: begin[run + 1]});
  }
  return threads;
}
