// SPDX-License-Identifier: Apache-2.0
// What changed between two recordings, and which of it is no chance.
//
// A sampled value is a number of samples times what one stands for (its weight), and the number of samples that fall on a
// frame varies by its square root from run to run even if nothing changed. So a change is compared with what two
// recordings of one and the same value v would differ by: sigma^2 = v (w + w'), w and w' being the weights, and
// v the value that explains both numbers of samples best; with equal totals (below) times 1 - v / total, because
// a frame that is all of a recording cannot have another share by chance. Half a sample on either side is taken off the
// change, since few samples are no bell curve. Among many frames some are far off by chance alone: at two sigma one in 20.
// So the bar is as high as it takes for at most 5 % of all changes that are called so to be chance (Benjamini and
// Hochberg, "Controlling the false discovery rate", 1995), never below two sigma; and what is under 0.1 % of the total is
// not looked at. A heap that was recorded exactly has no such noise: there the 0.1 % alone decide.
//
// Two recordings are rarely of one length. Equal totals: the second one's values are scaled so that both add up to the
// same, and changes are those of shares. Absolute: values as they are.

/**
 * @typedef {object} Side one recording
 * @property {number} total
 * @property {(value: number, count: number) => number} weight what one sample of a value stands for; 0: values are exact
 *
 * @typedef {object} Change
 * @property {number} base
 * @property {number} newer scaled, if totals are made equal
 * @property {number} change
 * @property {number} sigma
 * @property {number} chance of such a change or a greater one where there is none; 0 with exact values
 */

export const kLeastShare = 0.001;
const kLeastSigmas = 2;
const kFalseDiscoveries = 0.05;
const kUsualInterval = 512 * 1024;  // bytes between two samples of a sampled heap

// W. Press et al., "Numerical Recipes in C", 2nd ed., section 6.2: erfcc, to 1.2e-7 of the value.
/** @param {number} x not below 0 */
function complementaryError(x) {
  const t = 1 / (1 + 0.5 * x);
  const series = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277];
  return t * Math.exp(-x * x + series.reduceRight((sum, factor) => sum * t + factor, 0));
}

export class ChangeTest {
  /** @param {Side} base @param {Side} newer @param {boolean} equalTotals */
  constructor(base, newer, equalTotals) {
    this.base = base;
    this.newer = newer;
    this.equalTotals = equalTotals;
    this.scale = equalTotals && newer.total > 0 && base.total > 0 ? base.total / newer.total : 1;
    this.whole = Math.max(base.total, newer.total * this.scale);
    this.least = kLeastShare * this.whole;
  }

  /** @param {number} base @param {number} baseCount @param {number} newer @param {number} newerCount @returns {Change} */
  of(base, baseCount, newer, newerCount) {
    const scaled = newer * this.scale;
    const change = scaled - base;
    const [weight, scaledWeight] = this.weights(base, baseCount, newer, newerCount);
    if (weight === 0 && scaledWeight === 0) return {base, newer: scaled, change, sigma: 0, chance: change === 0 ? 1 : 0};
    const samples = (weight > 0 ? base / weight : 0) + (scaledWeight > 0 ? scaled / scaledWeight : 0);
    const common = weight > 0 && scaledWeight > 0 ? samples / (1 / weight + 1 / scaledWeight) : weight > 0 ? scaled : base;
    const rest = this.equalTotals && this.whole > 0 ? Math.max(0, 1 - common / this.whole) : 1;
    const sigma = Math.sqrt(common * (weight + scaledWeight) * rest);
    const clear = Math.abs(change) - (weight + scaledWeight) / 2;
    const chance = clear <= 0 || sigma === 0 ? 1 : complementaryError(clear / sigma / Math.SQRT2);
    return {base, newer: scaled, change, sigma, chance};
  }

  // Of a side without samples: what one of the other's stands for.
  /** @param {number} base @param {number} baseCount @param {number} newer @param {number} newerCount @returns {[number, number]} */
  weights(base, baseCount, newer, newerCount) {
    const weight = base > 0 ? this.base.weight(base, baseCount) : -1;
    const other = newer > 0 ? this.newer.weight(newer, newerCount) * this.scale : -1;
    if (weight < 0 && other < 0) return [0, 0];
    return [weight < 0 ? other : weight, other < 0 ? weight : other];
  }

  // Whether a change is large enough to be looked at.
  /** @param {Change} change */
  matters(change) { return Math.abs(change.change) >= this.least && change.change !== 0; }

  // The greatest chance at which a change is still called one. `candidates` are all that are large enough to change by
  // more than 0.1 %, whether they did or not.
  /** @param {Change[]} candidates @returns {number} */
  barOf(candidates) {
    const chances = Float64Array.from(candidates, (each) => each.chance).sort();
    let bar = 0;
    for (let i = 0; i < chances.length; i++) if (chances[i] <= kFalseDiscoveries * (i + 1) / chances.length) bar = chances[i];
    return Math.min(bar, complementaryError(kLeastSigmas / Math.SQRT2));
  }

  /** @param {Change} change @returns {boolean} */
  candidate(change) { return Math.max(change.base, change.newer) >= this.least && change.base + change.newer > 0; }
}

// What one sample of a metric stands for.
/**
 * @param {{name: string, heap: boolean}} metric
 * @param {{meta: any}} recording
 * @param {number} total of the metric
 * @param {number} allocatedBytes of the recording in all, for allocations as a number
 * @returns {(value: number, count: number) => number}
 */
export function sampleWeight(metric, recording, total, allocatedBytes) {
  if (!metric.heap) return (value, count) => (count > 0 ? value / count : value);
  if (recording.meta.heap !== 'sampled') return () => 0;
  const interval = recording.meta.heap_summary?.sample_bytes || kUsualInterval;
  // A sample stands for `interval` bytes, however many blocks those are.
  const weight = (metric.name === 'allocations' || metric.name === 'temporary') && allocatedBytes > 0 ? interval * total / allocatedBytes : interval;
  return () => weight;
}

/**
 * @typedef {object} FunctionChange
 * @property {number} f
 * @property {Change} self
 * @property {Change} total
 * @property {boolean} significant its total or its self value changed
 * @property {'grown'|'shrunk'|'new'|'vanished'|'same'} verdict 'same': what changed may be chance, or is little
 */

/** @param {FunctionChange} row @param {boolean} bySelf */
function verdictOf(row, bySelf) {
  const {base, newer, change} = bySelf ? row.self : row.total;
  if (!row.significant) return 'same';
  if (row.total.base === 0) return 'new';
  if (row.total.newer === 0) return 'vanished';
  return change > 0 && newer > base ? 'grown' : 'shrunk';
}

// Each function of either recording.
/**
 * @typedef {{self: Float64Array, total: Float64Array, count: Float64Array, selfCount?: Float64Array}} Totals
 * @param {ChangeTest} test @param {Totals} base @param {Totals} newer
 * @returns {FunctionChange[]} by function
 */
export function functionChanges(test, base, newer) {
  /** @type {FunctionChange[]} */
  const changes = [];
  for (let f = 0; f < base.total.length; f++) {
    if (base.total[f] === 0 && newer.total[f] === 0) continue;
    const total = test.of(base.total[f], base.count[f], newer.total[f], newer.count[f]);
    const selfCount = (/** @type {Totals} */ side) => (side.total[f] > 0 ? side.count[f] * side.self[f] / side.total[f] : 0);
    const self = test.of(base.self[f], selfCount(base), newer.self[f], selfCount(newer));
    changes.push({f, self, total, significant: false, verdict: 'same'});
  }
  const totals = changes.map((row) => row.total).filter((change) => test.candidate(change));
  const selfs = changes.map((row) => row.self).filter((change) => test.candidate(change));
  const [totalBar, selfBar] = [test.barOf(totals), test.barOf(selfs)];
  for (const row of changes) {
    const byTotal = test.matters(row.total) && row.total.chance <= totalBar;
    const bySelf = test.matters(row.self) && row.self.chance <= selfBar;
    row.significant = byTotal || bySelf;
    row.verdict = verdictOf(row, !byTotal && bySelf);
  }
  return changes;
}
