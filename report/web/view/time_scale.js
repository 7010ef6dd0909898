// SPDX-License-Identifier: Apache-2.0
// Time as pixels: ticks, and how a window of time moves and zooms without leaving what it is in.

import {timeText} from './format.js';

/** @typedef {{from: number, to: number}} TimeRange ns */

export const kShortestRange = 1000;  // ns

// Where a labelled line stands, about every 110 pixels: multiples of 1, 2 or 5 times a power of ten, of 1, 2, 5, 10, 15
// or 30 minutes, or of hours.
/** @param {TimeRange} range @param {number} width @returns {{step: number, times: number[]}} */
export function timeTicks(range, width) {
  const least = (range.to - range.from) / Math.max(1, width / 110);
  const step = stepAbove(least);
  const times = [];
  for (let i = Math.ceil(range.from / step); i * step < range.to; i++) times.push(i * step);
  return {step, times};
}

/** @param {number} least */
function stepAbove(least) {
  if (least > 30e9) {
    for (const minutes of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1440]) if (minutes * 60e9 >= least) return minutes * 60e9;
    return Math.ceil(least / 86400e9) * 86400e9;
  }
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  for (const factor of [1, 2, 5]) if (factor * power >= least) return Math.min(factor * power, 30e9);
  return Math.min(10 * power, 30e9);
}

// Of a tick: "0", "1.5 s", "250 ms", "2:30 min"; all of an axis that ends at `end` in one unit, with as many digits as the
// step has.
/** @param {number} time @param {number} step @param {number} end */
export function tickText(time, step, end) {
  if (time === 0) return '0';
  if (step >= 60e9) {
    const minutes = Math.round(time / 60e9);
    return end < 3600e9 ? `${minutes} min` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h`;
  }
  if (end >= 120e9 && step >= 1e9) return `${Math.floor(time / 60e9)}:${String(Math.round(time % 60e9 / 1e9)).padStart(2, '0')} min`;
  const [size, unit] = /** @type {Array<[number, string]>} */ ([[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']])
      .find(([each]) => end >= each && step >= each / 1e6) || [1, 'ns'];
  return (time / size).toFixed(Math.max(0, Math.ceil(-Math.log10(step / size) - 1e-9))) + ' ' + unit;
}

// "0 – 4.00 s".
/** @param {TimeRange} range */
export function rangeText({from, to}) {
  return `${from <= 0 ? '0' : timeText(from)} – ${timeText(to)}`;
}

// [from, to] inside `outer`, and not empty.
/** @param {TimeRange} range @param {TimeRange} outer @returns {TimeRange} */
export function clampRange(range, outer) {
  const from = Math.max(outer.from, Math.min(range.from, range.to));
  const to = Math.min(outer.to, Math.max(range.from, range.to));
  if (to - from >= kShortestRange) return {from, to};
  const start = Math.max(outer.from, Math.min(from, outer.to - kShortestRange));
  return {from: start, to: Math.min(outer.to, start + kShortestRange)};
}

// `factor` > 1 shows more; `time` stays where it is.
/** @param {TimeRange} range @param {number} time @param {number} factor @param {TimeRange} outer @returns {TimeRange} */
export function zoomRange(range, time, factor, outer) {
  const length = Math.max(kShortestRange, Math.min((range.to - range.from) * factor, outer.to - outer.from));
  const part = range.to > range.from ? (time - range.from) / (range.to - range.from) : 0.5;
  const from = Math.max(outer.from, Math.min(time - part * length, outer.to - length));
  return {from, to: from + length};
}

// Moved by `by` as far as there is room.
/** @param {TimeRange} range @param {number} by @param {TimeRange} outer @returns {TimeRange} */
export function moveRange(range, by, outer) {
  const moved = Math.max(outer.from - range.from, Math.min(by, outer.to - range.to));
  return {from: range.from + moved, to: range.to + moved};
}
