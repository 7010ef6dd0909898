// SPDX-License-Identifier: Apache-2.0
// Arrows between the rows of a listing, in a few columns at its left, as `flarestack annotate` draws them
// (report/jump_lanes.h): all jumps to one row share one lane; of two that overlap, the shorter one runs nearer to the text;
// where the lanes do not suffice, the longest are left out.

const kMostLanes = 5;
const kBlank = 0, kVertical = 1, kHorizontal = 2, kCrossing = 3, kTop = 4, kBottom = 5, kTee = 6, kArrow = 7;
const kLaneSigns = ' │─┼╭╰├▸';

/** @typedef {{to: number, first: number, last: number, from: number[], lane: number}} JumpBundle */

/** @param {{from: number, to: number}[]} jumps @returns {JumpBundle[]} the shortest first */
function bundlesOf(jumps) {
  const byTarget = /** @type {Map<number, JumpBundle>} */ (new Map());
  for (const {from, to} of jumps) {
    let bundle = byTarget.get(to);
    if (!bundle) byTarget.set(to, bundle = {to, first: to, last: to, from: [], lane: 0});
    bundle.first = Math.min(bundle.first, from);
    bundle.last = Math.max(bundle.last, from);
    bundle.from.push(from);
  }
  return [...byTarget.values()].sort((a, b) => (a.last - a.first) - (b.last - b.first) || a.to - b.to);
}

// Each bundle gets the nearest lane that is free all along; those without one are dropped.
/** @param {JumpBundle[]} bundles @returns {JumpBundle[]} */
function assignLanes(bundles) {
  /** @type {JumpBundle[][]} */
  const lanes = Array.from({length: kMostLanes}, () => []);
  return bundles.filter((bundle) => {
    bundle.lane = lanes.findIndex((lane) => lane.every((other) => other.last < bundle.first || bundle.last < other.first));
    if (bundle.lane >= 0) lanes[bundle.lane].push(bundle);
    return bundle.lane >= 0;
  });
}

/** @param {{from: number, to: number}[]} jumps between rows @param {number} rowCount
 * @returns {string[]} by row, all of one length; none where there is no jump */
export function jumpLanes(jumps, rowCount) {
  const bundles = assignLanes(bundlesOf(jumps));
  if (bundles.length === 0) return [];
  const columns = (Math.max(...bundles.map((bundle) => bundle.lane)) + 1) * 2 + 1;
  const cells = new Uint8Array(rowCount * columns);
  // From the lane to the text.
  const reach = (/** @type {JumpBundle} */ bundle, /** @type {number} */ row, /** @type {number} */ column) => {
    cells[row * columns + column] = row === bundle.first ? kTop : row === bundle.last ? kBottom : kTee;
    for (let each = row * columns + column + 1; each < (row + 1) * columns && cells[each] !== kArrow; each++) {
      if (cells[each] === kVertical || cells[each] === kCrossing) cells[each] = kCrossing;
      else if (cells[each] === kBlank) cells[each] = kHorizontal;
    }
  };
  for (const bundle of bundles.reverse()) {
    const column = columns - 3 - bundle.lane * 2;  // behind the lanes: a dash and the arrow's head
    for (let row = bundle.first; row <= bundle.last && bundle.first !== bundle.last; row++) {
      const cell = row * columns + column;
      cells[cell] = cells[cell] === kHorizontal ? kCrossing : kVertical;
    }
    for (const row of bundle.from) reach(bundle, row, column);
    reach(bundle, bundle.to, column);
    cells[bundle.to * columns + columns - 1] = kArrow;
  }
  return Array.from({length: rowCount}, (_, row) =>
    Array.from(cells.subarray(row * columns, (row + 1) * columns), (cell) => kLaneSigns[cell]).join(''));
}
