// SPDX-License-Identifier: Apache-2.0
// What a recording says of each call path, by metric, as the program's reports count it (model/metric.h,
// model/heap_cells.h): what happened in a range of time, a slice that lies partly inside counting with that part; and
// what was live at a moment.
import {unitText} from './format.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {{from: number, to: number, process: number, thread: number}} Filter ns; process and thread: -1 is all */
/** @typedef {{name: string, title: string, unit: 'ns'|'bytes'|'allocations', heap: boolean, level: boolean}} Metric */

/** @type {Metric[]} */
export const METRICS = [
  {name: 'cpu', title: 'CPU time', unit: 'ns', heap: false, level: false},
  {name: 'wall', title: 'Wall time', unit: 'ns', heap: false, level: false},
  {name: 'allocated', title: 'Allocated', unit: 'bytes', heap: true, level: false},
  {name: 'allocations', title: 'Allocations', unit: 'allocations', heap: true, level: false},
  {name: 'peak', title: 'Peak', unit: 'bytes', heap: true, level: true},
  {name: 'live', title: 'Live', unit: 'bytes', heap: true, level: true},
  {name: 'temporary', title: 'Temporary', unit: 'allocations', heap: true, level: false},
  {name: 'leaked', title: 'Leaked', unit: 'bytes', heap: true, level: true},
];

const kHeapMemory = 0;  // what a program mapped itself is another kind, and in no metric

/** @param {string} name @returns {Metric} */
export function metricOf(name) {
  return METRICS.find((each) => each.name === name) || METRICS[0];
}

/** @param {string} metric @param {number} value */
export function valueText(metric, value) {
  return unitText(metricOf(metric).unit, value);
}

/** @typedef {import('./row_runs.js').RowRuns} RowRuns */
/** @typedef {{value: Float64Array, count: Float64Array}} Sums by stack or path; count: how many samples or blocks the value is of */
/** @typedef {(stack: number, value: number, count: number, slice: number, thread: number) => void} Visit */
/**
 * @typedef {object} CountedRows what a metric counts that is no level
 * @property {RowRuns} runs
 * @property {Uint32Array} stack
 * @property {Uint32Array|null} skip rows that do not count are not 0 there; null: all count
 * @property {Float64Array} value
 * @property {Float64Array} count
 */

/** @param {Recording} recording @param {string} metric @returns {CountedRows} */
export function countedRows(recording, metric) {
  if (metric === 'cpu' || metric === 'wall') {
    const {runs, stack, waiting, value, count} = recording.samples;
    return {runs, stack, skip: metric === 'wall' ? null : waiting, value, count};
  }
  const {runs, stack, kind, allocations, allocatedBytes, temporary} = recording.allocations;
  return {
    runs, stack, skip: kind, value: metric === 'allocated' ? allocatedBytes : metric === 'temporary' ? temporary : allocations,
    count: metric === 'temporary' ? temporary : allocations,
  };
}

/**
 * Calls visit(stack, value, count, slice, thread) for all that a metric counts of what the filter lets through.
 * @param {Recording} recording @param {string} metric @param {Filter} filter @param {Visit} visit
 */
export function forEachEntry(recording, metric, filter, visit) {
  if (metric === 'leaked') return visitLeaks(recording, filter, visit);
  if (metric === 'peak' || metric === 'live') return visitLevels(recording, metric === 'peak', filter, visit);
  const {runs, stack, skip, value, count} = countedRows(recording, metric);
  forEachRun(recording, runs, filter, (begin, end, part, slice, thread) => {
    for (let i = begin; i < end; i++) {
      if (skip === null || skip[i] === 0) visit(stack[i], Math.round(value[i] * part), Math.round(count[i] * part), slice, thread);
    }
  });
}

/**
 * @param {Recording} recording @param {RowRuns} runs @param {Filter} filter
 * @param {(begin: number, end: number, part: number, slice: number, thread: number) => void} visit of the rows from begin
 *     to end, which the filter lets through; part: of the slice that is in the range
 */
export function forEachRun(recording, {begin, slice, thread}, filter, visit) {
  const wanted = wantedThreads(recording, filter);
  const parts = partsOfSlices(recording, filter);
  for (let run = 0; run < slice.length; run++) {
    const part = parts[slice[run]];
    if (part > 0 && (wanted === null || wanted[thread[run]] === 1)) visit(begin[run], begin[run + 1], part, slice[run], thread[run]);
  }
}

/**
 * What stacks have of a metric themselves. The functions that go through rows are small and called once a run: browsers
 * make them fast within milliseconds, other than one loop over a million rows.
 * @param {Recording} recording @param {string} metric @param {Filter} filter @returns {Sums} by stack
 */
export function selfOfStacks(recording, metric, filter) {
  const size = recording.pathOfStack.length;
  const sums = {value: new Float64Array(size), count: new Float64Array(size)};
  if (metric === 'leaked') {
    visitLeaks(recording, filter, (stack, value, count) => {
      sums.value[stack] += value;
      sums.count[stack] += count;
    });
  } else if (metric === 'peak' || metric === 'live') {
    addLevels(recording, metric === 'peak', filter, sums);
  } else {
    const rows = countedRows(recording, metric);
    forEachRun(recording, rows.runs, filter, (begin, end, part) => {
      if (part !== 1) addPart(rows, begin, end, part, sums);
      else if (rows.skip === null) addAll(rows, begin, end, sums);
      else addCounted(rows, rows.skip, begin, end, sums);
    });
  }
  return sums;
}

/** @param {CountedRows} rows @param {number} begin @param {number} end @param {Sums} sums */
function addAll({stack, value, count}, begin, end, sums) {
  const {value: values, count: counts} = sums;
  for (let i = begin; i < end; i++) {
    values[stack[i]] += value[i];
    counts[stack[i]] += count[i];
  }
}
/** @param {CountedRows} rows @param {Uint32Array} skip @param {number} begin @param {number} end @param {Sums} sums */
function addCounted({stack, value, count}, skip, begin, end, sums) {
  const {value: values, count: counts} = sums;
  for (let i = begin; i < end; i++) {
    if (skip[i] !== 0) continue;
    values[stack[i]] += value[i];
    counts[stack[i]] += count[i];
  }
}
/** @param {CountedRows} rows @param {number} begin @param {number} end @param {number} part @param {Sums} sums */
function addPart({stack, skip, value, count}, begin, end, part, sums) {
  for (let i = begin; i < end; i++) {
    if (skip !== null && skip[i] !== 0) continue;
    sums.value[stack[i]] += Math.round(value[i] * part);
    sums.count[stack[i]] += Math.round(count[i] * part);
  }
}

/**
 * Self values of call paths.
 * @param {Recording} recording @param {string} metric @param {Filter} filter @param {Sums} [ofStacks] known already
 * @returns {Sums} by path
 */
export function selfOfPaths(recording, metric, filter, ofStacks = selfOfStacks(recording, metric, filter)) {
  const {paths, pathOfStack} = recording;
  const value = new Float64Array(paths.count);
  const count = new Float64Array(paths.count);
  for (let stack = 0; stack < pathOfStack.length; stack++) {
    value[pathOfStack[stack]] += ofStacks.value[stack];
    count[pathOfStack[stack]] += ofStacks.count[stack];
  }
  // A sum below zero is of a damaged trace; reports take it for none.
  if (metric === 'peak' || metric === 'live') {
    for (let i = 0; i < value.length; i++) {
      if (value[i] < 0) value[i] = 0;
      if (count[i] < 0) count[i] = 0;
    }
  }
  return {value, count};
}

/** @param {Recording} recording @param {Filter} filter @returns {Uint8Array|null} by thread; null: all of them */
export function wantedThreads(recording, filter) {
  if (filter.process === -1 && filter.thread === -1) return null;
  return Uint8Array.from(recording.threads, (thread, i) =>
    (filter.thread === -1 || filter.thread === i) && (filter.process === -1 || filter.process === thread.process) ? 1 : 0);
}

// Of each slice, the part of it that is in the range.
/** @param {Recording} recording @param {Filter} filter */
export function partsOfSlices(recording, filter) {
  const parts = new Float64Array(recording.sliceStart.length);
  for (let i = 0; i < parts.length; i++) parts[i] = partOf(recording.sliceStart[i], recording.sliceLength[i], filter);
  return parts;
}

/** @param {number} start @param {number} length @param {Filter} filter */
export function partOf(start, length, filter) {
  const end = start + length;
  if (start >= filter.from && end <= filter.to) return 1;
  if (length <= 0) return start >= filter.from && start < filter.to ? 1 : 0;
  return Math.max(0, Math.min(end, filter.to) - Math.max(start, filter.from)) / length;
}

// What is live at the range's end, or at the moment of the peak of each process: sums of differences from the start on.
/** @param {Recording} recording @param {boolean} peak @param {Filter} filter @param {Sums} sums */
function addLevels(recording, peak, filter, sums) {
  forEachLevelRun(recording, peak, filter, (begin, end, atPeak) => {
    if (atPeak) addPeaks(recording.allocations, begin, end, sums);
    else addDifferences(recording.allocations, begin, end, sums);
  });
}

/** @param {Recording['allocations']} rows @param {number} begin @param {number} end @param {Sums} sums */
function addDifferences({stack, kind, allocations, allocatedBytes, deallocations, deallocatedBytes}, begin, end, {value, count}) {
  for (let i = begin; i < end; i++) {
    if (kind[i] !== kHeapMemory) continue;
    value[stack[i]] += allocatedBytes[i] - deallocatedBytes[i];
    count[stack[i]] += allocations[i] - deallocations[i];
  }
}
/** @param {Recording['allocations']} rows @param {number} begin @param {number} end @param {Sums} sums */
function addPeaks({stack, kind, peakBytes, peakBlocks}, begin, end, {value, count}) {
  for (let i = begin; i < end; i++) {
    if (kind[i] !== kHeapMemory) continue;
    value[stack[i]] += peakBytes[i];
    count[stack[i]] += peakBlocks[i];
  }
}

/** @param {Recording} recording @param {boolean} peak @param {Filter} filter @param {Visit} visit */
function visitLevels(recording, peak, filter, visit) {
  const {stack, kind, allocations, allocatedBytes, deallocations, deallocatedBytes, peakBytes, peakBlocks} = recording.allocations;
  forEachLevelRun(recording, peak, filter, (begin, end, atPeak, slice, thread) => {
    for (let i = begin; i < end; i++) {
      if (kind[i] !== kHeapMemory) continue;
      if (atPeak) visit(stack[i], peakBytes[i], peakBlocks[i], slice, thread);
      else visit(stack[i], allocatedBytes[i] - deallocatedBytes[i], allocations[i] - deallocations[i], slice, thread);
    }
  });
}

/**
 * @param {Recording} recording @param {boolean} peak @param {Filter} filter
 * @param {(begin: number, end: number, atPeak: boolean, slice: number, thread: number) => void} visit atPeak: what was live
 *     at the peak inside of the slice counts, not what the slice left
 */
function forEachLevelRun(recording, peak, filter, visit) {
  const {begin, slice, thread} = recording.allocations.runs;
  const wanted = wantedThreads(recording, filter);
  const peaks = peak ? findPeaks(recording, filter) : [];
  for (let run = 0; run < slice.length; run++) {
    if (wanted && wanted[thread[run]] !== 1) continue;
    const start = recording.sliceStart[slice[run]];
    const moment = peaks[recording.processOf(thread[run])];
    const [before, until] = !peak ? [filter.to, filter.to] : moment && moment.known ? [moment.before, moment.until] : [-Infinity, -Infinity];
    if (start < until || start < before) visit(begin[run], begin[run + 1], start >= before, slice[run], thread[run]);
  }
}

/**
 * The instant that stands for each process's peak: slices that start before `before` count with what they left live,
 * those from there to `until` with what they had live at their peak.
 * @param {Recording} recording @param {{from: number, to: number}} filter
 */
export function findPeaks(recording, filter) {
  const {process, start, length, peakBytes, peakTime, liveBytes} = recording.heapSlices;
  const peaks = recording.processes.map(() => ({known: false, before: 0, until: 0, time: 0, bytes: 0}));
  const startOfRange = recording.processes.map(() => -Infinity);
  const take = (/** @type {number} */ which, /** @type {typeof peaks[0]} */ candidate) => {
    const best = peaks[which];
    if (!best.known || candidate.bytes > best.bytes || (candidate.bytes === best.bytes && candidate.time < best.time)) {
      peaks[which] = candidate;
    }
  };
  for (let i = 0; i < start.length; i++) {
    if (process[i] >= peaks.length) continue;
    const end = start[i] + length[i];
    if (peakTime[i] >= filter.from && peakTime[i] < filter.to) {
      take(process[i], {known: true, before: start[i], until: Math.max(end, start[i] + 1), time: peakTime[i], bytes: peakBytes[i]});
    }
    if (end <= filter.from) startOfRange[process[i]] = Math.max(startOfRange[process[i]], start[i]);
  }
  for (let i = 0; i < start.length; i++) {
    if (process[i] >= peaks.length || start[i] !== startOfRange[process[i]]) continue;
    const end = start[i] + length[i];
    take(process[i], {known: true, before: end, until: end, time: filter.from, bytes: liveBytes[i]});
  }
  return peaks;
}

/** @param {Recording} recording @param {Filter} filter @param {Visit} visit */
function visitLeaks(recording, filter, visit) {
  const {process, thread, stack, blocks, bytes, first, last, counted} = recording.leaks;
  for (let i = 0; i < stack.length; i++) {
    if (!counted[i] || (filter.thread !== -1 && thread[i] !== filter.thread) ||
        (filter.process !== -1 && process[i] !== filter.process)) continue;
    const part = partOf(first[i], Math.max(last[i] - first[i], 0), filter);
    if (part > 0) visit(stack[i], Math.round(bytes[i] * part), Math.round(blocks[i] * part), -1, thread[i]);
  }
}

/**
 * What a metric counts over time, in equal bins of the range; a level is what is live at the end of each bin.
 * @param {Recording} recording @param {string} metric @param {Filter} filter @param {number} bins
 */
export function overTime(recording, metric, filter, bins) {
  const result = new Float64Array(bins);
  const width = (filter.to - filter.from) / bins;
  const {level} = metricOf(metric);
  const whole = level ? {...filter, from: -Infinity} : filter;
  forEachEntry(recording, level ? 'live' : metric, whole, (stack, value, count, slice) => {
    const start = recording.sliceStart[slice];
    const end = start + recording.sliceLength[slice];
    if (level || end <= start) {
      const bin = Math.floor(((level ? end : start) - filter.from) / width);
      if (bin < bins) result[Math.max(bin, 0)] += value;
      return;
    }
    const first = Math.max(0, Math.floor((Math.max(start, filter.from) - filter.from) / width));
    const last = Math.min(bins - 1, Math.ceil((Math.min(end, filter.to) - filter.from) / width) - 1);
    for (let bin = first; bin <= last; bin++) {
      const from = filter.from + bin * width;
      const inside = Math.min(end, filter.to, from + width) - Math.max(start, filter.from, from);
      result[bin] += value * Math.max(inside, 0) / (Math.min(end, filter.to) - Math.max(start, filter.from));
    }
  });
  for (let bin = 1; level && bin < bins; bin++) result[bin] += result[bin - 1];
  return result;
}
