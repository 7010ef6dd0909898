// SPDX-License-Identifier: Apache-2.0
// From a tree to rectangles. Breadth first, row by row: frames of a row stand side by side in the arrays, so that what is
// under the mouse is found by bisection, and a frame's children are neighbours. Only frames that are wide enough to be
// seen have their children looked at; a run of narrower ones becomes one stub. What it costs depends therefore on the
// width of the window, not on the size of the tree. Trees that make children when they are asked for may take long for a
// row: rows can be laid out a few at a time, and what is there is drawn meanwhile.

/** @typedef {import('./tree.js').FrameTree} FrameTree */

export const kNarrowest = 0.5;  // CSS pixels

/** Rectangles, in the order of rows and in a row from left to right. x and width are CSS pixels. */
export class FlameLayout {
  /**
   * @param {FrameTree} tree
   * @param {{zoom: number, width: number, inTime?: boolean}} options zoom: the node over the whole width; inTime: children
   *     are in order of time, so that narrow ones may stand anywhere and not only at the end
   */
  constructor(tree, {zoom, width, inTime = false}) {
    this.tree = tree;
    this.inTime = inTime;
    this.count = 0;
    this.node = new Int32Array(1024);  // of a stub, its parent's
    this.parent = new Int32Array(1024);  // index here; -1 of the root
    this.x = new Float32Array(1024);
    this.width = new Float32Array(1024);
    this.hidden = new Uint32Array(1024);  // 0 for a frame; for a stub, how many frames it stands for
    this.narrow = 0;  // frames too narrow to be drawn, without those below them
    const ancestors = [];
    for (let node = zoom; node !== 0; node = tree.parent(node)) ancestors.push(tree.parent(node));
    /** @type {number[]} of each row, and `count` at the end */
    this.rowStart = [0];
    for (const node of [...ancestors.reverse(), zoom]) {
      this.add(node, this.count - 1, 0, width, 0);
      this.rowStart.push(this.count);
    }
    this.zoomed = zoom;
    this.zoomRow = this.rows - 1;  // what is above are its ancestors
    this.scale = tree.total(zoom) > 0 ? width / tree.total(zoom) : 0;
    this.done = false;
  }

  get rows() { return this.rowStart.length - 1; }

  /** Lays out the next rows, at least one, until there are none or it is told to stop. @param {() => boolean} [stop] */
  extend(stop = () => false) {
    while (!this.done) {
      const end = this.count;
      for (let at = this.rowStart[this.rows - 1]; at < end; at++) if (this.hidden[at] === 0) this.addChildren(at);
      if (this.count > end) this.rowStart.push(this.count);
      else this.done = true;
      if (stop()) break;
    }
    return this;
  }

  /** @param {number} at */
  addChildren(at) {
    const children = this.tree.children(this.node[at]);
    if (this.inTime) this.addInTime(at, children);
    else this.addHeaviestFirst(at, children);
  }

  /** @param {number} at @param {ArrayLike<number>} children */
  addHeaviestFirst(at, children) {
    let x = this.x[at];
    let width = 0;
    let i = 0;
    for (; i < children.length; i++) {
      width = this.tree.total(children[i]) * this.scale;
      if (width < kNarrowest) break;
      this.add(children[i], at, x, width, 0);
      x += width;
    }
    const left = children.length - i;
    this.narrow += left;
    if (left * width < kNarrowest) return;  // none is wider than the first of them
    let rest = 0;
    for (; i < children.length; i++) rest += this.tree.total(children[i]) * this.scale;
    this.addStub(at, x, rest, left);
  }

  /** @param {number} at @param {ArrayLike<number>} children */
  addInTime(at, children) {
    let x = this.x[at];
    let run = 0;
    let runWidth = 0;
    for (let i = 0; i < children.length; i++) {
      const width = this.tree.total(children[i]) * this.scale;
      if (width < kNarrowest) {
        run++;
        runWidth += width;
        continue;
      }
      this.addStub(at, x, runWidth, run);
      x += runWidth;
      this.narrow += run;
      run = runWidth = 0;
      this.add(children[i], at, x, width, 0);
      x += width;
    }
    this.addStub(at, x, runWidth, run);
    this.narrow += run;
  }

  /** @param {number} parent @param {number} x @param {number} width @param {number} hidden */
  addStub(parent, x, width, hidden) {
    if (width >= kNarrowest) this.add(this.node[parent], parent, x, width, hidden);
  }

  /** @param {number} node @param {number} parent @param {number} x @param {number} width @param {number} hidden */
  add(node, parent, x, width, hidden) {
    if (this.count === this.node.length) this.grow();
    const at = this.count++;
    this.node[at] = node;
    this.parent[at] = parent;
    this.x[at] = x;
    this.width[at] = width;
    this.hidden[at] = hidden;
  }

  grow() {
    for (const name of /** @type {const} */ (['node', 'parent', 'x', 'width', 'hidden'])) {
      const old = this[name];
      const larger = new /** @type {any} */ (old.constructor)(old.length * 2);
      larger.set(old);
      /** @type {any} */ (this)[name] = larger;
    }
  }

  /** The row of what has this index. @param {number} at @returns {number} */
  rowOf(at) {
    let low = 0;
    let high = this.rows;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.rowStart[middle] <= at) low = middle;
      else high = middle;
    }
    return low;
  }

  /** What is at x in a row: an index, or -1. @param {number} x @param {number} row @returns {number} */
  hit(x, row) {
    if (row < 0 || row >= this.rows) return -1;
    let low = this.rowStart[row];
    let high = this.rowStart[row + 1];
    while (low < high) {  // to the first whose right edge is beyond x
      const middle = (low + high) >> 1;
      if (this.x[middle] + this.width[middle] > x) high = middle;
      else low = middle + 1;
    }
    return low < this.rowStart[row + 1] && this.x[low] <= x ? low : -1;
  }

  /** Where a node is, or -1: too narrow, or not below the zoomed frame. @param {number} node @returns {number} */
  indexOf(node) {
    let row = 0;
    for (let each = node; each !== 0; each = this.tree.parent(each)) row++;
    if (row >= this.rows) return -1;
    for (let at = this.rowStart[row]; at < this.rowStart[row + 1]; at++) {
      if (this.node[at] === node && this.hidden[at] === 0) return at;
    }
    return -1;
  }

  /** The first child that is here, the widest where they are ordered by weight; -1 for none. @param {number} at @returns {number} */
  firstChild(at) {
    const row = this.rowOf(at) + 1;
    if (row >= this.rows) return -1;
    const child = this.parent.subarray(this.rowStart[row], this.rowStart[row + 1]).indexOf(at);
    return child < 0 ? -1 : this.rowStart[row] + child;
  }

  /** What stands beside it in its row, in the direction of step (1 or -1); -1 for nothing.
   * @param {number} at @param {number} step @returns {number} */
  beside(at, step) {
    const row = this.rowOf(at);
    const next = at + step;
    return next >= this.rowStart[row] && next < this.rowStart[row + 1] ? next : -1;
  }
}

/** The node of a path of functions, or the deepest one there is on the way. Runs of one function in order of time are told
 * apart by `runs`: how many siblings of the same function come before it, for each frame of the path.
 * @param {FrameTree} tree @param {ArrayLike<number>} path @param {ArrayLike<number>} [runs] @returns {number} */
export function findNode(tree, path, runs = []) {
  let node = 0;
  for (let i = 0; i < path.length; i++) {
    let before = runs[i] || 0;
    const children = tree.children(node);
    let next = -1;
    for (let c = 0; c < children.length; c++) {
      if (tree.func(children[c]) !== path[i]) continue;
      next = children[c];
      if (before-- === 0) break;
    }
    if (next < 0) return node;
    node = next;
  }
  return node;
}

/** The `runs` of findNode for a node. @param {FrameTree} tree @param {number} node @returns {number[]} */
export function runsOf(tree, node) {
  const runs = [];
  for (let each = node; each !== 0; each = tree.parent(each)) {
    const siblings = tree.children(tree.parent(each));
    let before = 0;
    for (let i = 0; i < siblings.length && siblings[i] !== each; i++) {
      if (tree.func(siblings[i]) === tree.func(each)) before++;
    }
    runs.push(before);
  }
  return runs.reverse();
}
