// SPDX-License-Identifier: Apache-2.0
// A function between its callers and what it calls: two trees that begin with it. A stack counts once, from the outermost
// of its frames of the function on; so calls of itself are among its callees, and not among its callers.
import {InvertedTree} from './tree.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./tree.js').FrameTree} FrameTree */

/** @param {Model} model @param {ViewState} state @param {number} func @param {number} which recording @returns {FrameTree} */
export function calleesOf(model, state, func, which) {
  return model.topDown({...state, transforms: [...state.transforms, {type: 'focus-function', func}]}, which);
}

/** @param {Model} model @param {ViewState} state @param {number} func @param {number} which @returns {FrameTree} */
export function callersOf(model, state, func, which) {
  const {metric, ranges, process, thread, transforms} = state;
  return model.keep(['callers', which, func, metric, ranges, process, thread, transforms], () => {
    const {paths} = model.values(state)[which];
    const tree = model.topDown(state, which);
    const value = new Float64Array(paths.count);
    const count = new Float64Array(paths.count);
    for (let path = 1; path < paths.count; path++) {
      if (paths.func[path] !== func || tree.total(path) === 0 || paths.isRecursive(path)) continue;
      value[path] = tree.total(path);
      count[path] = tree.count(path);
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
