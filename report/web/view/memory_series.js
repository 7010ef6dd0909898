// SPDX-License-Identifier: Apache-2.0
// Memory over time: the live heap and what is resident, of one process or of all at each instant. A series is linear
// between its points; two points of one time are a step. Sums are exact: adding up maxima of pixels would show a thousand
// compilers that ran one after the other as if they had run at once.

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {{time: Float64Array, bytes: Float64Array}} Series */

/** @type {Series} */
const kNoSeries = {time: new Float64Array(0), bytes: new Float64Array(0)};

// Of linear pieces from (from, first) to (to, last), their sum.
class PieceSum {
  constructor() {
    /** @type {Array<[number, number, number]>} */
    this.events = [];  // time, change of the level, change of the slope
  }

  /** @param {number} from @param {number} first @param {number} to @param {number} last */
  add(from, first, to, last) {
    if (to <= from) return;
    const slope = (last - first) / (to - from);
    this.events.push([from, first, slope], [to, -last, -slope]);
  }

  /** @returns {Series} */
  series() {
    if (this.events.length === 0) return kNoSeries;
    this.events.sort((a, b) => a[0] - b[0]);
    /** @type {number[]} */
    const time = [];
    /** @type {number[]} */
    const bytes = [];
    const point = (/** @type {number} */ at, /** @type {number} */ value) => {
      time.push(at);
      bytes.push(Math.max(0, Math.round(value)));
    };
    let level = 0;
    let slope = 0;
    let now = this.events[0][0];
    for (let i = 0; i < this.events.length;) {
      const at = this.events[i][0];
      level += slope * (at - now);
      point(at, level);
      for (now = at; i < this.events.length && this.events[i][0] === at; i++) {
        level += this.events[i][1];
        slope += this.events[i][2];
      }
      if (Math.abs(bytes[bytes.length - 1] - level) >= 0.5) point(at, level);
    }
    return {time: Float64Array.from(time), bytes: Float64Array.from(bytes)};
  }
}

// A slice goes from what was live before to its peak, and to what it left. Between slices nothing happens.
/** @param {Recording} recording @param {number} process -1: all */
export function heapSeries(recording, process) {
  const {heapSlices, processes} = recording;
  const sum = new PieceSum();
  const last = new Map();  // of each process: {end, bytes}
  for (let i = 0; i < heapSlices.process.length; i++) {
    const of = heapSlices.process[i];
    if (process !== -1 && of !== process) continue;
    const before = last.get(of) || {end: processes[of] ? processes[of].start : 0, bytes: 0};
    const start = Math.max(heapSlices.start[i], before.end);  // the first one begins when the recording does
    const end = Math.max(heapSlices.start[i] + heapSlices.length[i], start);
    const peakTime = Math.min(Math.max(heapSlices.peakTime[i], start), end);
    const left = heapSlices.liveBytes[i];
    sum.add(before.end, before.bytes, start, before.bytes);
    sum.add(start, before.bytes, peakTime, heapSlices.peakBytes[i]);
    sum.add(peakTime, heapSlices.peakBytes[i], end, left);
    last.set(of, {end, bytes: left});
  }
  for (const [of, {end, bytes}] of last) sum.add(end, bytes, processes[of] ? processes[of].end : end, bytes);
  return sum.series();
}

/** @param {Recording} recording @param {number} process -1: all */
export function residentSeries(recording, process) {
  const {memory, processes} = recording;
  const sum = new PieceSum();
  const last = new Map();
  for (let i = 0; i < memory.process.length; i++) {
    const of = memory.process[i];
    if (process !== -1 && of !== process) continue;
    const before = last.get(of);
    if (before !== undefined) sum.add(memory.time[before], memory.rss[before], memory.time[i], memory.rss[i]);
    last.set(of, i);
  }
  for (const [of, i] of last) sum.add(memory.time[i], memory.rss[i], processes[of] ? processes[of].end : memory.time[i], memory.rss[i]);
  return sum.series();
}

/** @param {Series} series @param {number} time of which the value after a step counts */
export function valueAt(series, time) {
  const {time: times, bytes} = series;
  const at = countUpTo(times, time) - 1;
  if (at < 0) return 0;
  if (at + 1 >= times.length) return 0;  // ended
  const length = times[at + 1] - times[at];
  return length === 0 ? bytes[at + 1] : bytes[at] + (bytes[at + 1] - bytes[at]) * (time - times[at]) / length;
}

// The most in each bin of [from, to), and where the most of all is.
/** @param {Series} series @param {{from: number, to: number}} range @param {number} bins */
export function mostPerBin(series, range, bins) {
  const most = new Float64Array(bins);
  const perBin = (range.to - range.from) / bins;
  const peak = {time: range.from, bytes: 0};
  const take = (/** @type {number} */ bin, /** @type {number} */ time, /** @type {number} */ bytes) => {
    if (bytes > most[bin]) most[bin] = bytes;
    if (bytes > peak.bytes) Object.assign(peak, {time, bytes});
  };
  const {time, bytes} = series;
  for (let bin = 0, at = countUpTo(time, range.from); bin < bins; bin++) {
    const start = range.from + bin * perBin;
    const end = start + perBin;
    take(bin, start, valueAt(series, start));
    for (; at < time.length && time[at] < end; at++) take(bin, time[at], bytes[at]);
    if (at === 0 || at === time.length) continue;
    // The line goes on to the bin's end.
    take(bin, end, bytes[at - 1] + (bytes[at] - bytes[at - 1]) * (end - time[at - 1]) / (time[at] - time[at - 1]));
  }
  return {most, peak};
}

// How many of the ascending times are at or before `time`.
/** @param {Float64Array} times @param {number} time */
function countUpTo(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
