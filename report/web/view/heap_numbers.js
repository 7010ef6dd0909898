// SPDX-License-Identifier: Apache-2.0
// What the heap was used for, in numbers: totals, allocations by size and by lifetime, and the places that cause them,
// of a range of time, a process, a thread or a function. What the program mapped itself is no part of it.

import {LibraryCode} from './code_place.js';
import {findPeaks, forEachRun, selfOfPaths} from './metrics.js';
import {kLifetimeBounds} from './recording.js';
import {orderRows} from './row_order.js';

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./metrics.js').Filter} Filter */
/** @typedef {import('./metrics.js').Sums} Sums */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {{label: string, allocations: number, bytes: number}} SizeClass */
/** @typedef {{label: string, blocks: number}} LifetimeClass */
/** @typedef {{path: number, func: number, call: number, value: number}} HeapPlace call: what of a library it mostly calls for that; -1: nothing */

const kHeapKind = 0;
const [kPlace, kLibrary, kNoPlace] = [0, 1, 2];

// 1 for each path that is, or leads through, a function; null: of all.
/** @param {Paths} paths @param {number} func -1: all @returns {Uint8Array|null} */
export function pathsThrough(paths, func) {
  if (func < 0) return null;
  const inside = new Uint8Array(paths.count);
  for (let p = 1; p < paths.count; p++) inside[p] = inside[paths.parent[p]] || paths.func[p] === func ? 1 : 0;
  return inside;
}

export class HeapNumbers {
  /** @param {Recording} recording @param {Filter} filter @param {Uint8Array|null} scope paths that count; null: all
   * @param {(metric: string) => Sums} [selfOf] what paths have of it themselves, where that is known already */
  constructor(recording, filter, scope, selfOf = (metric) => selfOfPaths(recording, metric, filter)) {
    this.allocations = 0;
    this.deallocations = 0;
    this.allocatedBytes = 0;
    this.temporary = 0;
    this.sizeAllocations = new Float64Array(65);
    this.sizeBytes = new Float64Array(65);
    this.lifetimes = new Float64Array(kLifetimeBounds.length + 1);
    this.addAllocations(recording, filter, scope);
    const live = selfOf('live');
    this.liveBytes = sumIn(live.value, scope);
    this.liveBlocks = sumIn(live.count, scope);
    this.peakBytes = sumIn(selfOf('peak').value, scope);
    /** @type {number} -1: of several processes, each at a time of its own */
    this.peakTime = -1;
    const peaks = findPeaks(recording, filter).filter((peak, process) => peak.known && peak.bytes > 0 && (filter.process === -1 || filter.process === process));
    if (peaks.length === 1) this.peakTime = peaks[0].time;
  }

  /** @param {Recording} recording @param {Filter} filter @param {Uint8Array|null} scope */
  addAllocations(recording, filter, scope) {
    const {runs, lifetimes} = recording.allocations;
    const counts = scope === null ? null : Uint8Array.from(recording.pathOfStack, (path) => scope[path]);  // by stack
    forEachRun(recording, runs, filter, (begin, end, part) => {
      this.addRun(recording.allocations, begin, end, part, counts);
      for (let k = 0; k < lifetimes.length; k++) this.lifetimes[k] += sumOfRun(recording.allocations, lifetimes[k], begin, end, part, counts);
    });
  }

  /** @param {Recording['allocations']} rows @param {number} begin @param {number} end @param {number} part @param {Uint8Array|null} counts */
  addRun(rows, begin, end, part, counts) {
    const {stack, kind, sizeClass, allocations, allocatedBytes} = rows;
    for (let i = begin; i < end; i++) {
      if (kind[i] !== kHeapKind || (counts !== null && counts[stack[i]] === 0)) continue;
      const blocks = Math.round(allocations[i] * part);
      const bytes = Math.round(allocatedBytes[i] * part);
      this.allocations += blocks;
      this.allocatedBytes += bytes;
      this.sizeAllocations[sizeClass[i]] += blocks;
      this.sizeBytes[sizeClass[i]] += bytes;
    }
    this.deallocations += sumOfRun(rows, rows.deallocations, begin, end, part, counts);
    this.temporary += sumOfRun(rows, rows.temporary, begin, end, part, counts);
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

/** @param {Recording['allocations']} rows @param {ArrayLike<number>} column @param {number} begin @param {number} end @param {number} part
 * @param {Uint8Array|null} counts */
function sumOfRun({stack, kind}, column, begin, end, part, counts) {
  let sum = 0;
  for (let i = begin; i < end; i++) {
    if (kind[i] === kHeapKind && (counts === null || counts[stack[i]] === 1)) sum += Math.round(column[i] * part);
  }
  return sum;
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

/** @param {Float64Array} values by path @returns {Uint32Array} */
function pathsWithValue(values) {
  const found = new Uint32Array(values.length);
  let count = 0;
  for (let p = 1; p < values.length; p++) if (values[p] > 0) found[count++] = p;
  return found.subarray(0, count);
}

// Of each path, the place outside of libraries that it is of, as a path (0: none), and what of a library that calls (-1: nothing).
/** @typedef {{place: Int32Array, call: Int32Array}} PlacesOfPaths */

/** @param {Functions} functions @param {Paths} paths @returns {PlacesOfPaths} */
export function placesOfPaths(functions, paths) {
  const library = new LibraryCode(functions);
  const isPlace = Uint8Array.from(functions.list, (_, f) => (library.has(f) ? kLibrary : functions.kind(f) === 'process' ? kNoPlace : kPlace));
  const place = new Int32Array(paths.count);
  const call = new Int32Array(paths.count).fill(-1);
  for (let p = 1; p < paths.count; p++) {
    const parent = paths.parent[p];
    const which = isPlace[paths.func[p]];
    if (which !== kLibrary) {
      place[p] = which === kPlace ? p : 0;
      continue;
    }
    place[p] = place[parent];
    call[p] = place[parent] === parent ? paths.func[p] : call[parent];
  }
  return {place, call};
}

// The places outside of libraries that a metric's value is of, the greatest first. Stacks all of whose frames are library
// code stand for themselves.
/** @param {Paths} paths @param {Float64Array} value by path @param {Uint8Array|null} scope @param {PlacesOfPaths} of @param {number} wanted how many
 * @returns {{first: HeapPlace[], count: number, total: number}} */
export function heapPlaces(paths, value, scope, of, wanted) {
  const sum = new Float64Array(paths.count);
  const mostly = new Int32Array(paths.count);  // the path that each place's sum is mostly of
  for (let p = 1; p < paths.count; p++) {
    if (value[p] === 0 || (scope !== null && scope[p] === 0)) continue;
    const place = of.place[p] || p;
    sum[place] += value[p];
    if (value[p] > value[mostly[place]] || mostly[place] === 0) mostly[place] = p;
  }
  const places = pathsWithValue(sum);
  const order = orderRows(places, sum, true);
  return {
    first: Array.from(order.subarray(0, wanted), (path) =>
      ({path, func: paths.func[path], call: of.place[mostly[path]] === 0 ? -1 : of.call[mostly[path]], value: sum[path]})),
    count: places.length, total: sumIn(sum, null),
  };
}
