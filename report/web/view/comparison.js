// SPDX-License-Identifier: Apache-2.0
// The comparison of the page's two recordings under a state: what views ask for, kept by the model as its other answers.
import {ChangeTest, functionChanges, sampleWeight} from './compare.js';
import {DifferenceTree} from './difference_tree.js';
import {metricOf, selfOfPaths} from './metrics.js';

/** @typedef {import('./model.js').Model} Model */
/** @typedef {import('./state.js').ViewState} ViewState */

// The state's word for values as they are; else both recordings' totals are made equal.
export const kAbsolute = 'absolute';
export const kTotalsKey = 'compare.totals';

/** @param {ViewState} state */
export const totalsAreEqual = (state) => state.extra[kTotalsKey] !== kAbsolute;

/** @param {ViewState} state @returns {any[]} what a comparison depends on */
function comparedBy(state) {
  return [state.metric, state.ranges, state.process, state.thread, state.transforms, totalsAreEqual(state)];
}

/** @param {Model} model @param {ViewState} state @returns {ChangeTest} */
export function changeTestOf(model, state) {
  return model.keep(['change-test', ...comparedBy(state)], () => {
    const metric = metricOf(state.metric);
    const sides = model.recordings.map((recording, which) => {
      const total = model.total(state, which);
      const isNumber = metric.unit === 'allocations' && recording.meta.heap === 'sampled';
      const bytes = isNumber ? selfOfPaths(recording, 'allocated', model.filter(state, which)).value.reduce((sum, each) => sum + each, 0) : 0;
      return {total, weight: sampleWeight(metric, recording, total, bytes)};
    });
    return new ChangeTest(sides[0], sides[1], totalsAreEqual(state));
  });
}

/** @param {Model} model with two recordings @param {ViewState} state @returns {DifferenceTree} in the form that the state asks for */
export function differenceTree(model, state) {
  const form = state.inverted ? 'inverted' : 'top-down';
  return model.keep(['difference', form, ...comparedBy(state)], () => {
    const [base, newer] = [0, 1].map((which) => (state.inverted ? model.inverted(state, which) : model.topDown(state, which)));
    return new DifferenceTree(base, newer, changeTestOf(model, state));
  });
}

/** @param {Model} model @param {ViewState} state @returns {import('./compare.js').FunctionChange[]} */
export function changesOfFunctions(model, state) {
  return model.keep(['function-changes', ...comparedBy(state)],
      () => functionChanges(changeTestOf(model, state), model.functionTable(state, 0), model.functionTable(state, 1)));
}
