// SPDX-License-Identifier: Apache-2.0
// The samples as the timeline needs them: how long each thread was in each state, by time slice; and their sums over
// the bins of a zoom level. Samples are looked at once, stacks once each: what is left is a few numbers a cell, in order
// of time, so that a zoom level costs one pass over the cells of the visible slices.

import {StateFinder, kInKernel, kRunning, kThreadStates} from './thread_states.js';

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {import('./recording.js').Recording} Recording */

const kUnknownState = 255;

// Where a thread waited, the recorder says now and then, at most so long after it said so last; of the time since.
const kWaitWindow = 200e6;  // ns

export class TimelineCells {
  /** @param {Recording} recording @param {Functions} functions @param {Paths} paths */
  constructor(recording, functions, paths) {
    const count = Math.min(recording.samples.stack.length, recording.samples.runs.slice.length * kThreadStates.length);
    this.slice = new Uint32Array(count);
    this.thread = new Uint32Array(count);
    this.state = new Uint8Array(count);
    this.value = new Float64Array(count);
    this.count = 0;
    this.recording = recording;
    /** @type {Float64Array} ns by thread and state, of the whole recording */
    this.total = new Float64Array(recording.threads.length * kThreadStates.length);
    this.addSamples(new StateFinder(functions, paths));
    // When each cell's time was, and which part of it was in the state.
    this.from = new Float64Array(this.count);
    this.to = new Float64Array(this.count);
    this.part = new Float64Array(this.count);
    this.longest = 0;
    this.placeCells();
  }

  /** @param {StateFinder} finder */
  addSamples(finder) {
    const {samples: {runs}, threads, pathOfStack} = this.recording;
    const states = kThreadStates.length;
    const known = {
      running: new Uint8Array(pathOfStack.length).fill(kUnknownState), waiting: new Uint8Array(pathOfStack.length).fill(kUnknownState),
    };
    const sums = new Float64Array(states);
    const seen = new Uint8Array(states);
    for (let run = 0; run < runs.slice.length; run++) {
      const thread = runs.thread[run];
      if (thread >= threads.length) continue;
      sums.fill(0);
      seen.fill(0);
      this.addRun(runs.begin[run], runs.begin[run + 1], finder, known, sums, seen);
      for (let state = 0; state < states; state++) {
        if (seen[state] === 0) continue;
        this.total[thread * states + state] += sums[state];
        const cell = this.count++;
        this.slice[cell] = runs.slice[run];
        this.thread[cell] = thread;
        this.state[cell] = state;
        this.value[cell] = sums[state];
      }
    }
  }

  /** @param {number} begin @param {number} end @param {StateFinder} finder @param {{running: Uint8Array, waiting: Uint8Array}} known states of stacks
   * @param {Float64Array} sums by state @param {Uint8Array} seen by state */
  addRun(begin, end, finder, {running, waiting}, sums, seen) {
    const {samples, pathOfStack} = this.recording;
    for (let i = begin; i < end; i++) {
      const stack = samples.stack[i];
      const isWaiting = samples.waiting[i] !== 0;
      let state = isWaiting ? waiting[stack] : running[stack];
      if (state === kUnknownState) {
        state = isWaiting ? finder.waiting(pathOfStack[stack]) : finder.running(pathOfStack[stack]);
        (isWaiting ? waiting : running)[stack] = state;
      }
      sums[state] += samples.value[i];
      seen[state] = 1;
    }
  }

  // A thread ran in the slice that says so. What it waited, in all states together, was in the time since that was told
  // last, up to the end of the slice.
  placeCells() {
    const {sliceStart, sliceLength, threads} = this.recording;
    const waited = new Float64Array(threads.length);
    const told = Float64Array.from(threads, ({start}) => start);
    const end = (/** @type {number} */ slice) => sliceStart[slice] + Math.max(sliceLength[slice], 1);
    for (let first = 0, next = 0; first < this.count; first = next) {
      const slice = this.slice[first];
      for (next = first; next < this.count && this.slice[next] === slice; next++) {
        if (this.state[next] > kInKernel) waited[this.thread[next]] += this.value[next];
      }
      const to = end(slice);
      for (let i = first; i < next; i++) {
        const thread = this.thread[i];
        const since = Math.max(told[thread], to - Math.max(kWaitWindow, waited[thread]));
        this.from[i] = this.state[i] > kInKernel ? Math.min(sliceStart[slice], since) : sliceStart[slice];
        this.to[i] = to;
        this.part[i] = this.value[i] / (to - this.from[i]);
        this.longest = Math.max(this.longest, to - this.from[i]);
      }
      for (let i = first; i < next; i++) {
        if (this.state[i] <= kInKernel) continue;
        told[this.thread[i]] = to;
        waited[this.thread[i]] = 0;
      }
    }
  }

  /** @param {number} thread @returns {number} ns on a processor */
  cpuOf(thread) {
    const at = thread * kThreadStates.length;
    return this.total[at + kRunning] + this.total[at + kInKernel];
  }

  // The first cell whose slice begins at `time` or later.
  /** @param {number} time */
  firstFrom(time) {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.recording.sliceStart[this.slice[middle]] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // ns by lane, state and bin of [from, to): a cell's value is spread evenly over its time. laneOf[thread] < 0: not
  // wanted. A cell that covers many bins costs two differences, which are summed up at the end.
  /** @param {{from: number, to: number}} range @param {number} bins @param {Int32Array} laneOf @param {number} lanes */
  bin(range, bins, laneOf, lanes) {
    const states = kThreadStates.length;
    const width = bins + 1;
    const direct = new Float64Array(lanes * states * width);
    const steps = new Float64Array(lanes * states * width);
    const perBin = (range.to - range.from) / bins;
    const binsPerNs = 1 / perBin;
    const end = this.firstFrom(range.to + this.longest);
    for (let i = this.firstFrom(range.from - this.longest); i < end; i++) {
      const lane = laneOf[this.thread[i]];
      const from = Math.max(0, (this.from[i] - range.from) * binsPerNs);
      const to = Math.min(bins, (this.to[i] - range.from) * binsPerNs);
      if (lane < 0 || to <= from) continue;
      const row = (lane * states + this.state[i]) * width;
      const full = this.part[i] * perBin;
      const first = from | 0;
      const last = to | 0;  // of a cell that ends with a bin the next one, which gets nothing of it
      if (first === last) {
        direct[row + first] += full * (to - from);
        continue;
      }
      direct[row + first] += full * (first + 1 - from);
      direct[row + last] += full * (to - last);
      if (last === first + 1) continue;
      steps[row + first + 1] += full;
      steps[row + last] -= full;
    }
    for (let row = 0; row < direct.length; row += width) {
      let level = 0;
      for (let bin = row; bin < row + bins; bin++) {
        level += steps[bin];
        direct[bin] += level;
      }
    }
    return new LaneBins(direct, bins, perBin, lanes);
  }
}

// What a zoom level shows of the lanes.
export class LaneBins {
  /** @param {Float64Array} values @param {number} bins @param {number} perBin @param {number} lanes */
  constructor(values, bins, perBin, lanes) {
    this.values = values;
    this.bins = bins;
    this.perBin = perBin;  // ns
    this.lanes = lanes;
  }

  // The part of the bin's time that a lane's threads were in a state; of n threads up to n.
  /** @param {number} lane @param {number} state @param {number} bin */
  part(lane, state, bin) {
    return this.values[(lane * kThreadStates.length + state) * (this.bins + 1) + bin] / this.perBin;
  }

  /** @param {number} lane @param {number} bin */
  cpu(lane, bin) {
    return this.part(lane, kRunning, bin) + this.part(lane, kInKernel, bin);
  }

  // Processors in use by all lanes.
  /** @param {number} bin */
  allCpu(bin) {
    let sum = 0;
    for (let lane = 0; lane < this.lanes; lane++) sum += this.cpu(lane, bin);
    return sum;
  }
}
