// SPDX-License-Identifier: Apache-2.0
// What the heap was used for, in numbers: totals, allocations by size and by lifetime, and the places that cause them,
// of a range of time, a process, a thread or a function. What the program mapped itself is no part of it.

import {LibraryCode} from './code_place.js';
import {findPeaks, partOf, selfOfPaths} from './metrics.js';
import {kLifetimeBounds} from './recording.js';

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./metrics.js').Filter} Filter */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {{label: string, allocations: number, bytes: number}} SizeClass */
/** @typedef {{label: string, blocks: number}} LifetimeClass */
/** @typedef {{path: number, func: number, call: number, value: number}} HeapPlace call: what of a library it mostly calls for that; -1: nothing */

const kHeapKind = 0;

// 1 for each path that is, or leads through, a function; null: of all.
/** @param {Paths} paths @param {number} func -1: all @returns {Uint8Array|null} */
export function pathsThrough(paths, func) {
  if (func < 0) return null;
  const inside = new Uint8Array(paths.count);
  for (let p = 1; p < paths.count; p++) inside[p] = inside[paths.parent[p]] || paths.func[p] === func ? 1 : 0;
  return inside;
}

export class HeapNumbers {
  /** @param {Recording} recording @param {Filter} filter @param {Uint8Array|null} scope paths that count; null: all */
  constructor(recording, filter, scope) {
    this.allocations = 0;
    this.deallocations = 0;
    this.allocatedBytes = 0;
    this.temporary = 0;
    this.sizeAllocations = new Float64Array(65);
    this.sizeBytes = new Float64Array(65);
    this.lifetimes = new Float64Array(kLifetimeBounds.length + 1);
    this.addAllocations(recording, filter, scope);
    const live = selfOfPaths(recording, 'live', filter);
    this.liveBytes = sumIn(live.value, scope);
    this.liveBlocks = sumIn(live.count, scope);
    this.peakBytes = sumIn(selfOfPaths(recording, 'peak', filter).value, scope);
    /** @type {number} -1: of several processes, each at a time of its own */
    this.peakTime = -1;
    const peaks = findPeaks(recording, filter).filter((peak, process) => peak.known && peak.bytes > 0 && (filter.process === -1 || filter.process === process));
    if (peaks.length === 1) this.peakTime = peaks[0].time;
  }

  /** @param {Recording} recording @param {Filter} filter @param {Uint8Array|null} scope */
  addAllocations(recording, filter, scope) {
    const {slice, thread, stack, kind, sizeClass, allocations, allocatedBytes, deallocations, temporary, lifetimes} = recording.allocations;
    const parts = Float64Array.from(recording.sliceStart, (start, i) => partOf(start, recording.sliceLength[i], filter));
    for (let i = 0; i < slice.length; i++) {
      const part = parts[slice[i]];
      if (part === 0 || kind[i] !== kHeapKind) continue;
      if (filter.thread !== -1 && thread[i] !== filter.thread) continue;
      if (filter.process !== -1 && recording.processOf(thread[i]) !== filter.process) continue;
      if (scope && !scope[recording.pathOf(stack[i])]) continue;
      const blocks = Math.round(allocations[i] * part);
      const bytes = Math.round(allocatedBytes[i] * part);
      this.allocations += blocks;
      this.allocatedBytes += bytes;
      this.deallocations += Math.round(deallocations[i] * part);
      this.temporary += Math.round(temporary[i] * part);
      this.sizeAllocations[sizeClass[i]] += blocks;
      this.sizeBytes[sizeClass[i]] += bytes;
      for (let k = 0; k < lifetimes.length; k++) this.lifetimes[k] += Math.round(lifetimes[k][i] * part);
    }
  }

  // From the smallest class that is used to the largest.
  /** @returns {SizeClass[]} */
  sizes() {
    const used = [...this.sizeAllocations.keys()].filter((i) => this.sizeAllocations[i] > 0 || this.sizeBytes[i] > 0);
    if (used.length === 0) return [];
    const classes = [];
    for (let i = used[0]; i <= used[used.length - 1]; i++) {
      classes.push({label: sizeLabel(i), allocations: this.sizeAllocations[i], bytes: this.sizeBytes[i]});
    }
    return classes;
  }

  // Of blocks that were freed, by age; those that were not come last.
  /** @returns {LifetimeClass[]} */
  lived() {
    const used = this.lifetimes.reduce((end, blocks, i) => (blocks > 0 ? i + 1 : end), 0);
    const classes = Array.from(this.lifetimes.subarray(0, used), (blocks, i) => ({label: lifetimeLabel(i), blocks}));
    if (this.liveBlocks > 0) classes.push({label: 'still live', blocks: this.liveBlocks});
    return classes;
  }
}

/** @param {Float64Array} values by path @param {Uint8Array|null} scope */
function sumIn(values, scope) {
  let sum = 0;
  for (let p = 0; p < values.length; p++) if (!scope || scope[p]) sum += values[p];
  return sum;
}

// A class of requested sizes by its bit width: "0 B", "16-31 B", "4-8 KiB", "512 KiB-1 MiB".
/** @param {number} sizeClass */
export function sizeLabel(sizeClass) {
  if (sizeClass < 2) return `${sizeClass} B`;
  const least = 2 ** (sizeClass - 1);
  if (least < 512) return `${least}-${2 * least - 1} B`;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  const unit = Math.floor((sizeClass - 1) / 10);
  const number = least / 1024 ** unit;
  return number === 512 ? `512 ${units[unit]}-1 ${units[unit + 1]}` : `${number}-${2 * number} ${units[unit]}`;
}

/** @param {number} lifetime */
export function lifetimeLabel(lifetime) {
  if (lifetime >= kLifetimeBounds.length) return 'longer';
  const bound = kLifetimeBounds[lifetime];
  if (bound < 1e9) return `< ${bound / 1e6} ms`;
  return bound < 60e9 ? `< ${bound / 1e9} s` : `< ${bound / 60e9} min`;
}

// The places outside of libraries that a metric's value is of, the greatest first. Stacks all of whose frames are library
// code stand for themselves.
/** @param {Recording} recording @param {string} metric @param {Filter} filter @param {Uint8Array|null} scope @returns {HeapPlace[]} */
export function heapPlaces(recording, metric, filter, scope) {
  const {functions, paths} = recording;
  const {value} = selfOfPaths(recording, metric, filter);
  const library = new LibraryCode(functions);
  const placeOf = new Int32Array(paths.count);  // path of the place
  const callOf = new Int32Array(paths.count).fill(-1);  // what of a library the place calls
  const sum = new Float64Array(paths.count);
  const most = new Float64Array(paths.count);
  const call = new Int32Array(paths.count).fill(-1);
  for (let p = 1; p < paths.count; p++) {
    const parent = paths.parent[p];
    const func = paths.func[p];
    if (!library.has(func)) placeOf[p] = functions.kind(func) === 'process' ? 0 : p;
    else {
      placeOf[p] = placeOf[parent];
      callOf[p] = placeOf[parent] === parent ? func : callOf[parent];
    }
    if (value[p] === 0 || (scope && !scope[p])) continue;
    const place = placeOf[p] || p;
    sum[place] += value[p];
    if (value[p] <= most[place]) continue;
    most[place] = value[p];
    call[place] = placeOf[p] === 0 ? -1 : callOf[p];
  }
  const places = [];
  for (let p = 1; p < paths.count; p++) if (sum[p] > 0) places.push({path: p, func: paths.func[p], call: call[p], value: sum[p]});
  return places.sort((a, b) => b.value - a.value);
}
