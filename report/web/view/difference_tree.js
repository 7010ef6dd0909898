// SPDX-License-Identifier: Apache-2.0
// DifferenceTree: the call trees of two recordings as one. A frame is as wide as the mean of both: so what vanished and
// what is new both have a place, and callees fit below their callers. Frames are made when they are asked for.
import {kLeastShare} from './compare.js';
import {functionPath} from './tree.js';

/**
 * @typedef {import('./tree.js').FrameTree} FrameTree
 * @typedef {import('./compare.js').Change} Change
 */

export class DifferenceTree {
  /** @param {FrameTree} base @param {FrameTree} newer both of one form, over the same functions
   * @param {import('./compare.js').ChangeTest} test */
  constructor(base, newer, test) {
    this.trees = [base, newer];
    this.test = test;
    /** @type {[Int32Array|number[], Int32Array|number[]]} of the two trees, by node; -1: it is not there */
    this.nodes = [[0], [0]];
    this.parents = [0];
    /** @type {(number[]|null)[]} */
    this.made = [null];
    /** @type {(Change|undefined)[]} */
    this.changes = [];
    this.bar = -1;
  }

  get root() { return 0; }
  get size() { return this.parents.length; }

  /** @param {number} n @param {0|1} which */
  part(n, which) {
    const node = this.nodes[which][n];
    return node < 0 ? 0 : this.trees[which].total(node);
  }

  /** @param {number} n */
  base(n) { return this.part(n, 0); }
  /** @param {number} n scaled, if totals are made equal */
  newer(n) { return this.part(n, 1) * this.test.scale; }
  /** @param {number} n */
  total(n) { return (this.base(n) + this.newer(n)) / 2; }
  /** @param {number} n */
  self(n) {
    const [b, a] = [this.nodes[0][n], this.nodes[1][n]];
    return ((b < 0 ? 0 : this.trees[0].self(b)) + (a < 0 ? 0 : this.trees[1].self(a)) * this.test.scale) / 2;
  }
  /** @param {number} n @param {0|1} which */
  countOf(n, which) {
    const node = this.nodes[which][n];
    return node < 0 ? 0 : this.trees[which].count(node);
  }
  /** @param {number} n */
  count(n) { return this.countOf(n, 0) + this.countOf(n, 1); }

  // The tree that has a node, and which it is there.
  /** @param {number} n @returns {[FrameTree, number]} */
  source(n) { return this.nodes[0][n] >= 0 ? [this.trees[0], this.nodes[0][n]] : [this.trees[1], this.nodes[1][n]]; }
  /** @param {number} n */
  func(n) {
    const [tree, node] = this.source(n);
    return tree.func(node);
  }
  /** @param {number} n */
  kind(n) {
    const [tree, node] = this.source(n);
    return tree.kind(node);
  }
  /** @param {number} n */
  parent(n) { return this.parents[n]; }

  /** @param {number} n @returns {number[]} functions, root first */
  pathOf(n) { return functionPath(this, n); }

  /** @param {number} n @returns {number[]} the widest first */
  children(n) {
    const made = this.made[n];
    if (made) return made;
    /** @type {number[]} */
    const children = [];
    const byFunction = /** @type {Map<number, number>} */ (new Map());
    for (const which of /** @type {(0|1)[]} */ ([0, 1])) {
      const node = this.nodes[which][n];
      if (node < 0) continue;
      const tree = this.trees[which];
      const list = tree.children(node);
      for (let i = 0; i < list.length; i++) {
        const f = tree.func(list[i]);
        let child = byFunction.get(f);
        if (child === undefined) {
          child = this.parents.push(n) - 1;
          byFunction.set(f, child);
          children.push(child);
          this.made.push(null);
          this.nodes[0][child] = this.nodes[1][child] = -1;
        }
        this.nodes[which][child] = list[i];
      }
    }
    children.sort((a, b) => this.total(b) - this.total(a));
    this.made[n] = children;
    return children;
  }

  /** @param {number} n @returns {Change} */
  changeOf(n) {
    let change = this.changes[n];
    if (!change) this.changes[n] = change = this.test.of(this.base(n), this.countOf(n, 0), this.part(n, 1), this.countOf(n, 1));
    return change;
  }

  /** @param {number} n newer - base */
  change(n) { return this.changeOf(n).change; }

  // Whether a change is neither chance nor too little to be looked at.
  /** @param {number} n */
  significant(n) {
    if (this.bar < 0) this.bar = this.test.barOf(this.candidates());
    const change = this.changeOf(n);
    return this.test.matters(change) && change.chance <= this.bar;
  }

  // The changes of all frames that have 0.1 % of either recording or more.
  candidates() {
    const found = [];
    const pending = [0];
    const least = this.test.whole * kLeastShare / 2;  // of the mean
    for (let n = pending.pop(); n !== undefined; n = pending.pop()) {
      const change = this.changeOf(n);
      if (!this.test.candidate(change)) continue;
      found.push(change);
      for (const child of this.children(n)) if (this.total(child) >= least) pending.push(child);
    }
    return found;
  }
}
