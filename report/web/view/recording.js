// SPDX-License-Identifier: Apache-2.0
// A recording as typed arrays, its stacks as paths of functions that all recordings of the page share.
import {kLost, kNone} from './payload.js';
import {pairModules} from './module_pairs.js';
import {kKinds} from './functions.js';
import {runsOfRows} from './row_runs.js';

/** @typedef {import('./payload.js').Payload} Payload */
/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {{process: number, tid: number, name: string, start: number}} Thread */
/** @typedef {{pid: number, parent: number, name: string, executable: string, arguments: string[], start: number, end: number, exit: string, cpu: number, reason: string}} Process */
/** @typedef {{name: string, path: string, depth: number, calls: number, wall_ns: number, self_wall_ns: number, cpu_ns: number, self_cpu_ns: number, allocations: number, allocated_bytes: number, live_delta_bytes: number, peak_bytes: number}} Region as reports have it */

export class Recording {
  /** @param {Payload} payload @param {Functions} functions @param {Paths} paths */
  constructor(payload, functions, paths) {
    this.meta = payload.meta;
    this.functions = functions;
    this.paths = paths;
    this.durationNs = Math.max(Number(payload.meta.duration_ns), 1);
    /** @type {string[]} */
    const strings = payload.meta.strings;
    this.strings = strings;
    const column = (/** @type {string} */ name) => payload.column(name);
    const [name, module, path] = [column('function.name'), column('function.module'), column('function.path')];
    const [file, line, kind] = [column('function.file'), column('function.line'), column('function.kind')];
    this.moduleNames = moduleNamesOf(payload, functions, Array.from(module, (/** @type {number} */ each) => strings[each]));
    const moduleOf = (/** @type {number} */ index) => this.moduleNames.get(strings[index]) || strings[index];
    // Of this recording's functions, those of the page.
    this.functionOf = Int32Array.from(name, (/** @type {number} */ each, /** @type {number} */ i) =>
      this.functions.add(strings[each], moduleOf(module[i]), strings[path[i]], strings[file[i]], line[i], kKinds[kind[i]]));
    this.locationFunction = Int32Array.from(column('location.function'), (/** @type {number} */ each) => this.functionOf[each]);
    /** @type {Uint32Array} */
    this.locationFile = column('location.file');
    /** @type {Uint32Array} */
    this.locationLine = column('location.line');
    /** @type {Uint32Array} */
    this.locationKind = column('location.kind');
    /** @type {Uint32Array} */
    this.frameFirst = column('frame.first');
    /** @type {Uint32Array} */
    this.frameCount = column('frame.count');
    /** @type {Uint32Array} */
    this.frameLocation = column('frame.location');
    /** @type {Thread[]} */
    this.threads = Array.from(column('thread.process'), (process, i) => ({
      process, tid: column('thread.tid')[i], name: strings[column('thread.name')[i]], start: column('thread.start')[i],
    }));
    /** @type {Process[]} */
    this.processes = payload.meta.processes.map((/** @type {any} */ each) => ({
      ...each, start: each.start_ns, end: each.end_ns, cpu: each.cpu_ns,
    }));
    /** @type {Uint32Array} */
    this.stackParent = column('stack.parent');
    /** @type {Uint32Array} */
    this.stackFrame = column('stack.frame');
    // What has no stack, and what lost it: as reports name them.
    this.noStackPath = paths.child(0, functions.add('[no stack]', '', '', '', 0, 'marker'), kMarker);
    this.lostFunction = functions.add('[lost]', '', '', '', 0, 'marker');
    this.lostPath = paths.child(0, this.lostFunction, kMarker);
    this.pathOfStack = pathsOfStacks(this);
    /** @type {Float64Array} */
    this.sliceStart = column('slice.start');
    /** @type {Float64Array} */
    this.sliceLength = column('slice.length');
    const stackColumn = (/** @type {string} */ name) => stacksOrTheirWant(column(name), this.stackParent.length);
    this.samples = {
      runs: runsOfRows(column('sample.slice'), column('sample.thread')), stack: stackColumn('sample.stack'),
      waiting: column('sample.waiting'), count: column('sample.count'), value: column('sample.value'),
    };
    const deallocations = column('allocation.deallocations');
    this.allocations = {
      runs: runsOfRows(column('allocation.slice'), column('allocation.thread')), stack: stackColumn('allocation.stack'),
      kind: column('allocation.kind'), sizeClass: column('allocation.size_class'),
      allocations: column('allocation.allocations'), allocatedBytes: column('allocation.allocated_bytes'),
      deallocations, deallocatedBytes: column('allocation.deallocated_bytes'), temporary: column('allocation.temporary'),
      peakBytes: column('allocation.peak_bytes'), peakBlocks: column('allocation.peak_blocks'),
      lifetimes: lifetimesOf(payload, deallocations),
    };
    this.heapSlices = {
      process: column('heap_slice.process'), start: column('heap_slice.start'), length: column('heap_slice.length'),
      peakBytes: column('heap_slice.peak_bytes'), peakTime: column('heap_slice.peak_time'), liveBytes: column('heap_slice.live_bytes'),
    };
    this.memory = {
      process: column('memory.process'), time: column('memory.time'), rss: column('memory.rss'), pss: column('memory.pss'),
      allocator: column('memory.allocator'), stack: column('memory.stack'), file: column('memory.file'),
      mapped: column('memory.mapped'), own: column('memory.own'), heapLive: column('memory.heap_live'),
    };
    /** @type {Region[]} */
    this.regions = payload.meta.regions || [];
    this.regionSpans = {
      region: column('region_span.region'), thread: column('region_span.thread'), start: column('region_span.start'),
      end: column('region_span.end'), busy: column('region_span.busy'),
    };
    this.leaks = {
      process: column('leak.process'), verdict: column('leak.verdict'), thread: column('leak.thread'), stack: stackColumn('leak.stack'),
      blocks: column('leak.blocks'), bytes: column('leak.bytes'), first: column('leak.first'), last: column('leak.last'),
      counted: column('leak.counted'),
    };
  }

  /** @param {string} metric @returns {boolean} */
  has(metric) {
    return this.meta.metrics.some((/** @type {{name: string}} */ each) => each.name === metric);
  }
  /** @param {number} thread @returns {number} an index of processes, or kLost */
  processOf(thread) {
    return thread < this.threads.length ? this.threads[thread].process : kLost;
  }
  /** @param {number} thread */
  threadName(thread) {
    if (thread >= this.threads.length) return '[lost thread]';
    const {name, tid} = this.threads[thread];
    return `${name || 'thread'} [${tid}]`;
  }
  /** @param {number} process */
  processName(process) {
    if (process >= this.processes.length) return '[lost process]';
    return `${this.processes[process].name} [${this.processes[process].pid}]`;
  }

}

const kMarker = kKinds.indexOf('marker');

// Of modules that the page's first recording has by another name, that name.
/** @param {Payload} payload @param {Functions} functions @param {string[]} modules */
function moduleNamesOf(payload, functions, modules) {
  const executable = (payload.meta.processes[0]?.executable || '').split('/').pop();
  const known = new Set(functions.list.map((each) => each.module));
  if (functions.executable === '') functions.executable = executable;
  return known.size === 0 ? new Map() : pairModules(known, new Set(modules), [functions.executable, executable]);
}

// A column of stacks, in which those that are none, and those that were lost, have the two numbers after the last stack.
/** @param {Uint32Array} column changed @param {number} stacks */
function stacksOrTheirWant(column, stacks) {
  for (let row = 0; row < column.length; row++) if (column[row] >= stacks) column[row] = column[row] === kNone ? stacks : stacks + 1;
  return column;
}

// By stack, and of no stack and of a lost one. Each frame may be several functions, inlined into each other.
/** @param {Recording} recording */
function pathsOfStacks(recording) {
  const {paths, stackParent, stackFrame, frameFirst, frameCount, frameLocation, locationFunction, locationKind} = recording;
  const pathOfStack = new Int32Array(stackParent.length + 2);
  for (let stack = 0; stack < stackParent.length; stack++) {
    const parent = stackParent[stack];
    let path = parent < stack ? pathOfStack[parent] : parent === kLost ? recording.lostPath : 0;
    const frame = stackFrame[stack];
    if (frame < frameFirst.length) {
      const first = frameFirst[frame];
      for (let i = first + frameCount[frame] - 1; i >= first; i--) {
        const location = frameLocation[i];
        path = paths.child(path, locationFunction[location], locationKind[location]);
      }
    } else {
      path = paths.child(path, recording.lostFunction, kMarker);
    }
    pathOfStack[stack] = path;
  }
  pathOfStack[stackParent.length] = recording.noStackPath;
  pathOfStack[stackParent.length + 1] = recording.lostPath;
  return pathOfStack;
}

// The upper bounds of the lifetimes of blocks, in ns; the last class has none.
export const kLifetimeBounds = [1e6, 1e7, 1e8, 1e9, 1e10, 6e10, 6e11];

/** @param {Payload} payload @param {any} deallocations @returns {any[]} a column for each class */
function lifetimesOf(payload, deallocations) {
  const rest = Float64Array.from(deallocations);
  const lifetimes = [];
  for (let i = 1; i <= kLifetimeBounds.length; i++) {
    const column = payload.column(`allocation.lifetime${i}`);
    for (let k = 0; k < column.length; k++) rest[k] -= column[k];
    lifetimes.push(column);
  }
  return [rest, ...lifetimes];
}
