// SPDX-License-Identifier: Apache-2.0
// Which colour each rectangle of a flame graph is drawn in: its function's, or its change's between two recordings; paler
// where something else is meant, as what does not match a search.
import {changeInks, kChangeSteps, matchInk, mutedInk, plainInk} from './colour.js';

/** @typedef {import('./colour.js').Ink} Ink */
/** @typedef {import('./flame_layout.js').FlameLayout} FlameLayout */
/** @typedef {import('./difference_tree.js').DifferenceTree} DifferenceTree */
/** @typedef {{inks: Ink[], index: (at: number) => number}} Chooser index: in `inks`, of what is at an index of the layout */
/** @typedef {{inks: Ink[], ink: Uint16Array, hatched: Uint8Array|null}} FrameInks by index of the layout */

const kInlined = 1;  // in kKinds

/** @param {import('./colour.js').Scheme} scheme @param {FlameLayout} layout @returns {Chooser} */
export function chooseByFunction({inks, of, inlined}, {tree, node}) {
  return {inks, index: (at) => (tree.kind(node[at]) === kInlined ? inlined : of)[tree.func(node[at])]};
}

/** @param {DifferenceTree} tree @param {FlameLayout} layout @param {boolean} dark @returns {Chooser} */
export function chooseByChange(tree, {node}, dark) {
  return {inks: changeInks(dark), index: (at) => kChangeSteps + changeStep(tree, node[at])};
}

/** How red (or, below zero, blue) a change is: not at all when it may be chance; with each doubling of its distance from
 * chance two steps more. Of exact values the change itself counts, as a part of the greater one.
 * @param {DifferenceTree} tree @param {number} n @returns {number} -kChangeSteps to kChangeSteps */
export function changeStep(tree, n) {
  if (!tree.significant(n)) return 0;
  const {base, newer, change, sigma} = tree.changeOf(n);
  const strength = sigma > 0 ? 2 * Math.log2(Math.abs(change) / sigma) : kChangeSteps * Math.abs(change) / Math.max(base, newer);
  return Math.sign(change) * Math.max(2, Math.min(kChangeSteps, Math.round(strength)));
}

/**
 * @param {FlameLayout} layout @param {Chooser} chooser @param {{active: boolean, test: (func: number) => boolean}} matches
 * @param {boolean} dark @returns {FrameInks}
 */
export function inksOfFrames(layout, chooser, matches, dark) {
  const count = chooser.inks.length + 1;
  const strong = [plainInk(dark), ...chooser.inks];
  const inks = [...strong, ...strong.map((ink) => mutedInk(ink, dark)), matchInk(dark)];
  const match = inks.length - 1;
  const ink = new Uint16Array(layout.count);
  const {tree, node, hidden} = layout;
  const below = layout.rowStart[layout.zoomRow];
  for (let at = 0; at < layout.count; at++) {
    const isFrame = hidden[at] === 0 && node[at] !== 0;
    if (isFrame && matches.active && matches.test(tree.func(node[at]))) ink[at] = match;
    else ink[at] = (isFrame ? 1 + chooser.index(at) : 0) + (matches.active || at < below ? count : 0);
  }
  return {inks, ink, hatched: null};
}

/** 1 for what only the base has. @param {DifferenceTree} tree @param {FlameLayout} layout @returns {Uint8Array} */
export function vanishedFrames(tree, layout) {
  const vanished = new Uint8Array(layout.count);
  for (let at = 0; at < layout.count; at++) {
    if (layout.hidden[at] === 0 && tree.newer(layout.node[at]) === 0 && tree.base(layout.node[at]) > 0) vanished[at] = 1;
  }
  return vanished;
}
