// SPDX-License-Identifier: Apache-2.0
// Where a finding leads: which view, of which metric, focused on what.

import {percentText, unitText} from './format.js';

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {{function: string, module: string, file: string, line: number}} PlaceFrame */
/** @typedef {{amount: number, call: string, matter: string, try: string, path: PlaceFrame[]}} FindingPlace path: innermost first */
/** @typedef {{title: string, share: number, confidence: string, instructions: {offset: string, intel: string, att: string, leads_to: string, file: string, line: number, cost: number}[], why: string, remedy: string}} FindingHint */
/** @typedef {{id: string, title: string, gain: 'time'|'memory', win: number, share: number, amount: number, unit: 'ns'|'bytes', samples: number, confidence: string, why: string, try: string, places: FindingPlace[], places_left_out?: number, hints: FindingHint[]}} Finding */
/** @typedef {{text: string, title: string, state: Partial<ViewState>}} FindingLink */

// The function of a name; of a module if it is said. -1: the recording has none.
/** @param {Functions} functions @param {string} name @param {string} module */
export function functionNamed(functions, name, module) {
  for (const kind of ['native', 'kernel', 'jit', 'interpreter', 'marker']) {
    const known = functions.index.get(`${name}\0${module}\0${kind}`);
    if (known !== undefined) return known;
  }
  return -1;
}

// The metric in which a finding is seen; what the recording lacks falls back to what it has.
/** @param {Finding} finding @param {Recording} recording */
export function metricOfFinding({id}, recording) {
  const wanted = id.startsWith('wait.') ? 'wall' : id.startsWith('cpu.') ? 'cpu' : id === 'heap.allocations' ? 'allocations' :
      id === 'leak' ? 'leaked' : id === 'memory.growth' ? 'live' : 'peak';
  return recording.has(wanted) ? wanted : recording.meta.default_metric;
}

/** @param {Finding} finding @param {FindingPlace} place @param {Recording} recording @returns {FindingLink[]} */
export function placeLinks(finding, place, recording) {
  const metric = metricOfFinding(finding, recording);
  const everything = {metric, zoom: [], ranges: [], process: -1, thread: -1, search: ''};
  /** @type {FindingLink[]} */
  const links = [];
  if (finding.id === 'leak') links.push({text: 'Leaks', title: 'who holds what, by call path', state: {view: 'leaks'}});
  const frame = place.path[0];
  const func = frame ? functionNamed(recording.functions, frame.function, frame.module) : -1;
  if (func < 0) return links;
  const name = recording.functions.name(func);
  links.push({text: 'Flame graph', title: `the flame graph of all that goes through ${name}`, state: {...everything, view: 'flame', func, transforms: [{type: 'focus-function', func}]}});
  links.push({text: 'Callers', title: `who calls ${name}, and what it calls`, state: {...everything, view: 'sandwich', func, transforms: []}});
  if (frame.file || recording.functions.file(func)) links.push({text: 'Source', title: `the lines of ${name}`, state: {...everything, view: 'source', func, transforms: []}});
  return links;
}

// "up to 34.2% of the time".
/** @param {Finding} finding */
export function gainText({id, gain, win}) {
  return `up to ${percentText(win)} of ${gain === 'time' ? 'the time' : id === 'heap.allocations' ? 'the allocations' : 'the peak'}`;
}

/** @param {Finding} finding */
export function findingAmount({id, gain, unit, amount, share}) {
  if (gain === 'memory') return unitText(unit, amount);
  if (id.startsWith('wait.')) return `${unitText(unit, amount)} of waiting, all threads together`;
  return `${unitText(unit, amount)} of CPU time, ${percentText(share)} of all`;
}
