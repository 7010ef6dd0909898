// SPDX-License-Identifier: Apache-2.0
// The rows of the call tree: the frames whose callers are all open. What is open is kept by functions, not by node, so
// that it stays when another metric or range makes another tree.
import {findPath, functionPath} from './tree.js';

/** @typedef {import('./tree.js').FrameTree} FrameTree */

// A frame that is open, and those below it that are.
/** @typedef {Map<number, OpenFrame>} OpenFrame */

const kMostOpened = 100000;   // rows that one key press adds
const kMostVisited = 300000;  // frames that a step to a match looks at: a bottom-up tree may be of any size

// The only child of a node that has but one, and on from there, is opened with it: nobody wants to open a chain of
// calls one by one. So far it goes in one step.
const kLongestChain = 200;

export class TreeRows {
  /** @param {FrameTree} tree @param {OpenFrame} open of the root; changed by open() and the others */
  constructor(tree, open) {
    this.tree = tree;
    this.open = open;
    this.nodes = new Int32Array(0);  // by row
    this.depths = new Uint16Array(0);
    this.lay();
  }

  get count() { return this.nodes.length; }

  // From what is open to rows.
  lay() {
    const nodes = [];
    const depths = [];
    const {tree} = this;
    /** @type {{children: ArrayLike<number>, at: number, open: OpenFrame}[]} */
    const walk = [{children: tree.children(0), at: 0, open: this.open}];
    while (walk.length > 0) {
      const top = walk[walk.length - 1];
      if (top.at === top.children.length) {
        walk.pop();
        continue;
      }
      const node = top.children[top.at++];
      nodes.push(node);
      depths.push(walk.length);
      const below = top.open.get(tree.func(node));
      if (below) walk.push({children: tree.children(node), at: 0, open: below});
    }
    this.nodes = Int32Array.from(nodes);
    this.depths = Uint16Array.from(depths);
  }

  /** @param {number} row @returns {number[]} functions, root first */
  pathOf(row) { return functionPath(this.tree, this.nodes[row]); }

  // Where what is open below a frame is kept, and the frame's caller's, if they are open.
  /** @param {ArrayLike<number>} path */
  find(path) {
    let open = this.open;
    for (let i = 0; i < path.length; i++) {
      const next = open.get(path[i]);
      if (!next) return null;
      open = next;
    }
    return open;
  }

  /** @param {number} row @returns {boolean|null} null: a leaf */
  expanded(row) {
    const node = this.nodes[row];
    if (this.tree.children(node).length === 0) return null;
    return row + 1 < this.count && this.depths[row + 1] > this.depths[row];
  }

  /** @param {ArrayLike<number>} path @returns {OpenFrame} */
  makeOpen(path) {
    let open = this.open;
    for (let i = 0; i < path.length; i++) {
      let next = open.get(path[i]);
      if (!next) open.set(path[i], next = new Map());
      open = next;
    }
    return open;
  }

  /** @param {number} row @param {boolean} open */
  setExpanded(row, open) {
    const path = this.pathOf(row);
    if (!open) {
      const caller = this.find(path.slice(0, -1));
      if (caller) caller.delete(path[path.length - 1]);
    } else {
      let node = this.nodes[row];
      let below = this.makeOpen(path);
      for (let step = 0; step < kLongestChain; step++) {
        const children = this.tree.children(node);
        if (children.length !== 1) break;
        node = children[0];
        if (this.tree.children(node).length === 0) break;
        const next = below.get(this.tree.func(node)) || new Map();
        below.set(this.tree.func(node), next);
        below = next;
      }
    }
    this.lay();
  }

  // Opens what is below a row along the heaviest calls, down to where its time is spent or divides: as long as one call has
  // at least half of what its caller has, and one step in any case. Returns the row that the way ends at.
  /** @param {number} row -1: from the root */
  expandHeaviest(row) {
    const {tree} = this;
    const start = row < 0 ? 0 : this.nodes[row];
    let node = start;
    for (;;) {
      const children = tree.children(node);
      if (children.length === 0 || (node !== start && tree.total(children[0]) * 2 < tree.total(node))) break;
      node = children[0];
    }
    const path = functionPath(tree, node);
    this.makeOpen(tree.children(node).length > 0 ? path : path.slice(0, -1));
    this.lay();
    return this.nodes.indexOf(node);
  }

  // Opens everything below a row (-1: everything), heaviest and topmost first, as far as a person can still look at it.
  // Returns whether that was all.
  /** @param {number} row */
  expandAll(row) {
    const {tree} = this;
    let left = kMostOpened;
    /** @type {[number, OpenFrame][]} */
    const pending = row < 0 ? [[0, this.open]] : [[this.nodes[row], this.makeOpen(this.pathOf(row))]];
    for (let i = 0; i < pending.length && left > 0; i++) {
      const [node, open] = pending[i];
      const children = tree.children(node);
      left -= children.length;
      for (let each = 0; each < children.length && left > 0; each++) {
        const child = children[each];
        if (tree.children(child).length === 0) continue;
        const f = tree.func(child);
        let below = open.get(f);
        if (!below) open.set(f, below = new Map());
        pending.push([child, below]);
      }
    }
    this.lay();
    return left > 0;
  }

  /** @param {number} row -1: everything */
  collapseAll(row) {
    if (row < 0) {
      this.open.clear();
      this.lay();
    } else {
      this.setExpanded(row, false);
    }
  }

  // The row of a path, opened so far as the tree has it; -1: not even its first function.
  /** @param {number[]} path */
  reveal(path) {
    const node = findPath(this.tree, path);
    if (node === 0) return -1;
    this.makeOpen(functionPath(this.tree, node).slice(0, -1));
    this.lay();
    return this.nodes.indexOf(node);
  }

  // Goes to the next frame (or with -1 the one before) for which `test` holds, around the end, in the order in which all
  // rows would stand if everything was open. Returns its row, now open; -1: none.
  /** @param {number} row @param {1|-1} step @param {(f: number) => boolean} test */
  nextMatch(row, step, test) {
    const {tree} = this;
    const active = row >= 0 ? this.nodes[row] : -1;
    let passed = active < 0;
    let [first, last, before, after] = [-1, -1, -1, -1];
    const walk = Array.from(tree.children(0)).reverse();
    for (let visits = 0; walk.length > 0 && visits < kMostVisited; visits++) {
      const node = /** @type {number} */ (walk.pop());
      if (node === active) {
        passed = true;
        before = last;
      } else if (test(tree.func(node)) && passed && after < 0) {
        after = node;
      }
      if (test(tree.func(node))) {
        if (first < 0) first = node;
        last = node;
      }
      if (passed && after >= 0 && step > 0) break;
      const children = tree.children(node);
      for (let i = children.length; i-- > 0;) walk.push(children[i]);
    }
    const found = step > 0 ? (after >= 0 ? after : first) : (before >= 0 ? before : last);
    return found < 0 ? -1 : this.reveal(functionPath(tree, found));
  }
}
