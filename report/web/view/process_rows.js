// SPDX-License-Identifier: Apache-2.0
// The processes as rows of the timeline: a child stands below its parent, indented, children in order of their start.
// A process of the recording is one program image: what exec makes of one is its child.

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {{process: number, parent: number, depth: number, from: number, to: number}} ProcessRow parent: -1 of none that is recorded */

/** @param {Recording} recording @returns {ProcessRow[]} */
export function processRows(recording) {
  const {processes} = recording;
  // A parent is recorded before its child: whatever a damaged trace says, there is no circle.
  const parents = processes.map(({parent}, i) => (parent < i ? parent : -1));
  /** @type {number[][]} */
  const children = processes.map(() => []);
  /** @type {number[]} */
  const roots = [];
  const byStart = processes.map((process, i) => i).sort((a, b) => processes[a].start - processes[b].start || a - b);
  for (const i of byStart) (parents[i] < 0 ? roots : children[parents[i]]).push(i);
  /** @type {ProcessRow[]} */
  const rows = [];
  const pending = roots.reverse().map((process) => ({process, depth: 0, parent: -1}));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const {process, depth} = next;
    rows.push({...next, from: processes[process].start, to: Math.max(processes[process].start, processes[process].end)});
    pending.push(...children[process].reverse().map((child) => ({process: child, depth: depth + 1, parent: process})));
  }
  return rows;
}

// How a process ended, by icon and word: 'bad' if it did not end well.
/** @param {string} exit as the payload says it: "exited 0", "killed by signal 9", ... @returns {{icon: string, mood: string, text: string}} */
export function exitMood(exit) {
  if (/^exited 0$/.test(exit)) return {icon: '✓', mood: 'good', text: exit};
  if (/^(exited|killed|signaled|signal|died)\b/.test(exit)) return {icon: '✗', mood: 'bad', text: exit};
  return {icon: '…', mood: 'plain', text: exit};
}
