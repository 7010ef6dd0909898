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

/**
 * Calls visit(stack, value, count, slice, thread) for all that a metric counts of what the filter lets through.
 * @param {Recording} recording @param {string} metric @param {Filter} filter
 * @param {(stack: number, value: number, count: number, slice: number, thread: number) => void} visit
 */
export function forEachEntry(recording, metric, filter, visit) {
  if (metric === 'cpu' || metric === 'wall') visitSamples(recording, metric === 'wall', filter, visit);
  else if (metric === 'leaked') visitLeaks(recording, filter, visit);
  else if (metric === 'peak' || metric === 'live') visitLevels(recording, metric === 'peak', filter, visit);
  else visitAllocations(recording, metric, filter, visit);
}

/**
 * Self values of call paths, and how many samples or blocks they are of.
 * @param {Recording} recording @param {string} metric @param {Filter} filter
 * @returns {{value: Float64Array, count: Float64Array}} by path
 */
export function selfOfPaths(recording, metric, filter) {
  const value = new Float64Array(recording.paths.count);
  const count = new Float64Array(recording.paths.count);
  const {pathOfStack} = recording;
  if (metric === 'cpu' || metric === 'wall') {
    addSamples(recording, metric === 'wall', filter, value, count);
    return {value, count};
  }
  forEachEntry(recording, metric, filter, (stack, amount, number) => {
    const path = stack < pathOfStack.length ? pathOfStack[stack] : recording.pathOf(stack);
    value[path] += amount;
    count[path] += number;
  });
  // A sum below zero is of a damaged trace; reports take it for none.
  if (metric === 'peak' || metric === 'live') {
    for (let i = 0; i < value.length; i++) {
      value[i] = Math.max(value[i], 0);
      count[i] = Math.max(count[i], 0);
    }
  }
  return {value, count};
}

// As forEachEntry(), without its call for each of a million samples.
/** @param {Recording} recording @param {boolean} wall @param {Filter} filter @param {Float64Array} values @param {Float64Array} counts */
function addSamples(recording, wall, filter, values, counts) {
  const {slice, thread, stack, waiting, count, value} = recording.samples;
  const {pathOfStack} = recording;
  const wanted = wantedThreads(recording, filter);
  const parts = partsOfSlices(recording, filter);
  for (let begin = 0, end = 0; begin < slice.length; begin = end) {
    const part = parts[slice[begin]];
    end = endOfSlice(slice, begin);
    if (part === 0) continue;
    for (let i = begin; i < end; i++) {
      if ((waiting[i] && !wall) || (wanted !== null && !wanted[thread[i]])) continue;
      const path = stack[i] < pathOfStack.length ? pathOfStack[stack[i]] : recording.pathOf(stack[i]);
      values[path] += part === 1 ? value[i] : Math.round(value[i] * part);
      counts[path] += part === 1 ? count[i] : Math.round(count[i] * part);
    }
  }
}

// Where the entries of the slice that begins there end; they are in order of slices.
/** @param {Uint32Array} slice @param {number} begin */
export function endOfSlice(slice, begin) {
  let [low, high, step] = [begin, slice.length, 64];
  for (; low + step < high && slice[low + step] === slice[begin]; step *= 2) low += step;
  high = Math.min(low + step, high);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (slice[middle] === slice[begin]) low = middle;
    else high = middle;
  }
  return high;
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

/** @param {Recording} recording @param {boolean} wall @param {Filter} filter @param {Parameters<typeof forEachEntry>[3]} visit */
function visitSamples(recording, wall, filter, visit) {
  const {slice, thread, stack, waiting, count, value} = recording.samples;
  const wanted = wantedThreads(recording, filter);
  const parts = partsOfSlices(recording, filter);
  for (let i = 0; i < slice.length; i++) {
    if (!wall && waiting[i]) continue;
    const part = parts[slice[i]];
    if (part === 0 || (wanted && !wanted[thread[i]])) continue;
    if (part === 1) visit(stack[i], value[i], count[i], slice[i], thread[i]);
    else visit(stack[i], Math.round(value[i] * part), Math.round(count[i] * part), slice[i], thread[i]);
  }
}

/** @param {Recording} recording @param {string} metric @param {Filter} filter @param {Parameters<typeof forEachEntry>[3]} visit */
function visitAllocations(recording, metric, filter, visit) {
  const {slice, thread, stack, kind, allocations, allocatedBytes, temporary} = recording.allocations;
  const value = metric === 'allocated' ? allocatedBytes : metric === 'temporary' ? temporary : allocations;
  const count = metric === 'temporary' ? temporary : allocations;
  const wanted = wantedThreads(recording, filter);
  const parts = partsOfSlices(recording, filter);
  for (let i = 0; i < slice.length; i++) {
    const part = parts[slice[i]];
    if (part === 0 || kind[i] !== kHeapMemory || (wanted && !wanted[thread[i]])) continue;
    visit(stack[i], Math.round(value[i] * part), Math.round(count[i] * part), slice[i], thread[i]);
  }
}

// What is live at the range's end, or at the moment of the peak of each process: sums of differences from the start on.
/** @param {Recording} recording @param {boolean} peak @param {Filter} filter @param {Parameters<typeof forEachEntry>[3]} visit */
function visitLevels(recording, peak, filter, visit) {
  const {slice, thread, stack, kind, allocations, allocatedBytes, deallocations, deallocatedBytes, peakBytes, peakBlocks} =
      recording.allocations;
  const wanted = wantedThreads(recording, filter);
  const peaks = peak ? findPeaks(recording, filter) : [];
  for (let i = 0; i < slice.length; i++) {
    if (kind[i] !== kHeapMemory || (wanted && !wanted[thread[i]])) continue;
    const start = recording.sliceStart[slice[i]];
    if (!peak) {
      if (start < filter.to) {
        visit(stack[i], allocatedBytes[i] - deallocatedBytes[i], allocations[i] - deallocations[i], slice[i], thread[i]);
      }
      continue;
    }
    const moment = peaks[recording.processOf(thread[i])];
    if (!moment || !moment.known) continue;
    if (start < moment.before) {
      visit(stack[i], allocatedBytes[i] - deallocatedBytes[i], allocations[i] - deallocations[i], slice[i], thread[i]);
    } else if (start < moment.until) {
      visit(stack[i], peakBytes[i], peakBlocks[i], slice[i], thread[i]);
    }
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

/** @param {Recording} recording @param {Filter} filter @param {Parameters<typeof forEachEntry>[3]} visit */
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
