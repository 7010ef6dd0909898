// SPDX-License-Identifier: Apache-2.0
// Which rows the timeline has, and where: the processors in use, memory, regions of the program's own, threads by their
// CPU time, processes as a tree.

import {processRows} from './process_rows.js';
import {shownRegions} from './region_lanes.js';
import {kThreadStates} from './thread_states.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./timeline_cells.js').TimelineCells} TimelineCells */
/** @typedef {{kind: 'cpu'|'memory'|'region'|'more-regions'|'thread'|'more-threads'|'process'|'more-processes', y: number, height: number, index: number, lane: number, count: number, row: import('./process_rows.js').ProcessRow|null}} TimelineRow index: of the region, thread or process; count: of those that a row stands for */

const kShownThreads = 12;
const kMostThreads = 200;
const kShownRegions = 6;
const kMostRegions = 200;
const kShownProcesses = 8;
const kMostProcesses = 300;
const kHeights = {'cpu': 30, 'memory': 48, 'region': 13, 'more-regions': 18, 'thread': 15, 'more-threads': 18, 'process': 17, 'more-processes': 18};
const kGap = 3;

// Threads that were sampled, of the chosen process, those with the most CPU time first.
/** @param {Recording} recording @param {TimelineCells} cells @param {number} process -1: all */
export function orderedThreads(recording, cells, process) {
  const states = kThreadStates.length;
  const all = recording.threads.map((_, thread) => cells.total.subarray(thread * states, (thread + 1) * states).reduce((a, b) => a + b, 0));
  return [...recording.threads.keys()]
      .filter((thread) => all[thread] > 0 && (process === -1 || recording.threads[thread].process === process))
      .sort((a, b) => cells.cpuOf(b) - cells.cpuOf(a) || all[b] - all[a] || a - b);
}

/** @param {Recording} recording @param {TimelineCells} cells @param {ViewState} state */
export function layOutTimeline(recording, cells, state) {
  const threads = orderedThreads(recording, cells, state.process);
  const folded = state.extra['timeline.folded'] === '1';
  const shownThreads = chosenThreads(threads, state.extra['timeline.threads'] === 'all' ? kMostThreads : kShownThreads, state.thread);
  /** @type {TimelineRow[]} */
  const rows = [];
  let y = 0;
  const add = (/** @type {TimelineRow['kind']} */ kind, /** @type {Partial<TimelineRow>} */ rest = {}) => {
    rows.push({kind, y, height: kHeights[kind], index: -1, lane: -1, count: 1, row: null, ...rest});
    y += kHeights[kind] + kGap;
  };
  const laneOf = new Int32Array(recording.threads.length).fill(-1);
  threads.forEach((thread) => { laneOf[thread] = shownThreads.length; });
  shownThreads.forEach((thread, lane) => { laneOf[thread] = lane; });
  if (threads.length > 0) add('cpu');
  if (recording.heapSlices.start.length + recording.memory.time.length > 0) add('memory');
  if (!folded) {
    addRegions(recording, state, add);
    shownThreads.forEach((thread, lane) => add('thread', {index: thread, lane}));
    const more = threads.length - shownThreads.length;
    if (more > 0 || threads.length > kShownThreads + 1) add('more-threads', {lane: shownThreads.length, count: more});
    addProcesses(recording, state, add);
  }
  return {rows, laneOf, lanes: shownThreads.length + 1, height: y, threads: threads.length};
}

// One more than there is room for takes the row that would say so. The thread that is looked at is always shown.
/** @param {number[]} threads @param {number} room @param {number} looked */
function chosenThreads(threads, room, looked) {
  if (threads.length <= room + 1) return threads;
  const shown = threads.slice(0, room);
  if (looked >= 0 && threads.includes(looked) && !shown.includes(looked)) shown.push(looked);
  return shown;
}

/** @param {Recording} recording @param {ViewState} state @param {(kind: TimelineRow['kind'], rest: Partial<TimelineRow>) => void} add */
function addRegions(recording, state, add) {
  const all = recording.regions.length;
  const room = state.extra['timeline.regions'] === 'all' ? kMostRegions : kShownRegions;
  const shown = shownRegions(recording, all <= room + 1 ? all : room);
  for (const index of shown) add('region', {index});
  if (all > kShownRegions + 1) add('more-regions', {count: all - shown.length});
}

/** @param {Recording} recording @param {ViewState} state @param {(kind: TimelineRow['kind'], rest: Partial<TimelineRow>) => void} add */
function addProcesses(recording, state, add) {
  const all = processRows(recording);
  const room = state.extra['timeline.processes'] === 'all' ? kMostProcesses : kShownProcesses;
  const shown = all.length <= room + 1 ? all : all.filter((row, i) => i < room || row.process === state.process);
  for (const row of shown) add('process', {index: row.process, row});
  if (all.length > kShownProcesses + 1) add('more-processes', {count: all.length - shown.length});
}

/** @param {TimelineRow[]} rows @param {number} y @returns {TimelineRow|null} */
export function rowAt(rows, y) {
  return rows.find((row) => y >= row.y && y < row.y + row.height + kGap) || null;
}
