// SPDX-License-Identifier: Apache-2.0
// Moments that the timeline marks: the heap's peak, and the looks at live blocks that found leaks.

import {bytesText, timeText} from './format.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {{time: number, kind: 'peak'|'leak-check', text: string}} Mark */
/** @typedef {{x: number, marks: Mark[]}} MarkGroup */

const kNearest = 14;  // pixels between two marks that stand for themselves

/** @param {Recording} recording @param {number} process -1: all @param {{time: number, bytes: number}} peak @returns {Mark[]} */
export function timelineMarks(recording, process, peak) {
  const {meta, processes} = recording;
  /** @type {Mark[]} */
  const marks = [];
  if (peak.bytes > 0) marks.push({time: peak.time, kind: 'peak', text: `heap peak: ${bytesText(peak.bytes)} live at ${timeText(peak.time)}`});
  for (const check of meta.leak_checks || []) {
    if (process !== -1 && check.process !== process) continue;
    const of = processes.length > 1 ? ` of ${recording.processName(check.process)}` : '';
    marks.push({time: check.time_ns, kind: 'leak-check', text: `leak check${of} at ${timeText(check.time_ns)}, ${causeText(check.cause)}: ` +
        `${check.blocks.toLocaleString('en')} blocks looked at, stopped for ${timeText(check.pause_ns)}` + (check.problem ? `; ${check.problem}` : '')});
  }
  return marks.sort((a, b) => a.time - b.time);
}

/** @param {string} cause */
export function causeText(cause) {
  return {exit: 'when it ended', fatal_signal: 'when a signal ended it', detach: 'when the recording ended', on_demand: 'on demand'}[cause] || cause;
}

// Marks that would stand on one another are one group; those outside of the range are left out.
/** @param {Mark[]} marks @param {{from: number, to: number}} range @param {number} width @returns {MarkGroup[]} */
export function groupMarks(marks, range, width) {
  /** @type {MarkGroup[]} */
  const groups = [];
  for (const mark of marks) {
    if (mark.time < range.from || mark.time > range.to) continue;
    const x = (mark.time - range.from) / (range.to - range.from) * width;
    const last = groups[groups.length - 1];
    if (last && x - last.x < kNearest) last.marks.push(mark);
    else groups.push({x, marks: [mark]});
  }
  return groups;
}
