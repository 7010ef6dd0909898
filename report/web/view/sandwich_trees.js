// SPDX-License-Identifier: Apache-2.0
// A function between its callers and what it calls: two trees that begin with it. A stack counts once, from the outermost
// of its frames of the function on; so calls of itself are among its callees, and not among its callers.
import {InvertedTree} from './tree.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./tree.js').FrameTree} FrameTree */
/** @typedef {import('./tree.js').TopDownTree} TopDownTree */

// What several paths lead to, as one tree. A node stands for paths of the tree it is made of; its children are made when
// they are asked for.
/** @implements {FrameTree} */
class MergedTree {
  /** @param {TopDownTree} tree @param {number[]} begins paths of one function, none within another */
  constructor(tree, begins) {
    this.tree = tree;
    /** @type {{parent: number, paths: number[], total: number, self: number, count: number}[]} */
    this.nodes = [];
    /** @type {(number[]|undefined)[]} */
    this.made = [];
    this.add(0, begins);
    this.nodes[0].self = 0;
    this.made[0] = begins.length > 0 ? [this.add(0, begins)] : [];
  }

  /** @param {number} parent @param {number[]} paths @returns {number} */
  add(parent, paths) {
    const {tree} = this;
    const node = {parent, paths, total: 0, self: 0, count: 0};
    for (const path of paths) {
      node.total += tree.totals[path];
      node.self += tree.selfs[path];
      node.count += tree.counts[path];
    }
    return this.nodes.push(node) - 1;
  }

  /** @param {number} n */
  func(n) { return n === 0 ? -1 : this.tree.func(this.nodes[n].paths[0]); }
  /** @param {number} n */
  kind(n) { return n === 0 ? 0 : this.tree.kind(this.nodes[n].paths[0]); }
  /** @param {number} n */
  self(n) { return this.nodes[n].self; }
  /** @param {number} n */
  total(n) { return this.nodes[n].total; }
  /** @param {number} n */
  count(n) { return this.nodes[n].count; }
  /** @param {number} n */
  parent(n) { return this.nodes[n].parent; }

  /** @param {number} n @returns {number[]} */
  children(n) {
    const known = this.made[n];
    if (known) return known;
    const {paths, totals, lists: {first, next}} = this.tree;
    const called = /** @type {Map<number, number[]>} */ (new Map());
    for (const path of this.nodes[n].paths) {
      for (let child = first[path]; child !== 0; child = next[child]) {
        if (totals[child] === 0) continue;
        const same = called.get(paths.func[child]);
        if (same) same.push(child);
        else called.set(paths.func[child], [child]);
      }
    }
    const children = Array.from(called.values(), (each) => this.add(n, each));
    this.made[n] = children.sort((a, b) => this.nodes[b].total - this.nodes[a].total || a - b);
    return this.made[n];
  }
}

/** @param {TopDownTree} tree @param {number} func @returns {number[]} its paths, none within another */
function outermostPaths(tree, func) {
  const {paths} = tree;
  const found = [];
  for (let path = 1; path < paths.count; path++) {
    if (paths.func[path] === func && tree.totals[path] > 0 && !paths.isRecursive(path)) found.push(path);
  }
  return found;
}

/** @param {ViewState} state @returns {any[]} what both trees depend on */
function dependencies({metric, ranges, process, thread, transforms}) {
  return [metric, ranges, process, thread, transforms];
}

/** @param {Model} model @param {ViewState} state @param {number} func @param {number} which recording @returns {FrameTree} */
export function calleesOf(model, state, func, which) {
  return model.keep(['callees', which, func, ...dependencies(state)], () => {
    const tree = model.topDown(state, which);
    return new MergedTree(tree, outermostPaths(tree, func));
  });
}

/** @param {Model} model @param {ViewState} state @param {number} func @param {number} which @returns {FrameTree} */
export function callersOf(model, state, func, which) {
  return model.keep(['callers', which, func, ...dependencies(state)], () => {
    const tree = model.topDown(state, which);
    const {paths} = tree;
    const value = new Float64Array(paths.count);
    const count = new Float64Array(paths.count);
    for (const path of outermostPaths(tree, func)) {
      value[path] = tree.totals[path];
      count[path] = tree.counts[path];
    }
    return new InvertedTree({paths, value, count});
  });
}

/** @typedef {{f: number, values: number[], counts: number[]}} Neighbour f -1: no caller, or the function itself; values by recording */

// Those right beside the function, of several recordings; the greatest first.
/** @param {FrameTree[]} trees by recording, each beginning with the function @returns {Neighbour[]} */
export function neighboursOf(trees) {
  /** @type {Map<number, Neighbour>} */
  const found = new Map();
  const add = (/** @type {number} */ f, /** @type {number} */ which, /** @type {number} */ value, /** @type {number} */ count) => {
    let entry = found.get(f);
    if (!entry) found.set(f, entry = {f, values: trees.map(() => 0), counts: trees.map(() => 0)});
    entry.values[which] += value;
    entry.counts[which] += count;
  };
  trees.forEach((tree, which) => {
    const [top] = Array.from(tree.children(0));
    if (top === undefined) return;
    let counted = 0;
    for (const child of Array.from(tree.children(top))) {
      add(tree.func(child), which, tree.total(child), tree.count(child));
      counted += tree.count(child);
    }
    if (tree.self(top) > 0) add(-1, which, tree.self(top), tree.count(top) - counted);
  });
  return [...found.values()].sort((a, b) => Math.max(...b.values) - Math.max(...a.values) || a.f - b.f);
}
