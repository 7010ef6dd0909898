// SPDX-License-Identifier: Apache-2.0
// The regions that the program named, as rows of the timeline: which are shown, and how many threads were in each.

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./state.js').ViewState} ViewState */

// The outermost ones first; those of one depth by how long they were open. Shown are so many, as a tree.
/** @param {Recording} recording @param {number} room @returns {number[]} indexes of the recording's regions */
export function shownRegions(recording, room) {
  const {regions} = recording;
  const byWeight = regions.map((_, i) => i).sort((a, b) => regions[a].depth - regions[b].depth || regions[b].wall_ns - regions[a].wall_ns || a - b);
  return byWeight.slice(0, room).sort((a, b) => a - b);
}

/** @param {Recording} recording @param {number} thread @param {ViewState} state */
function isChosen(recording, thread, {process, thread: only}) {
  return (only === -1 || only === thread) && (process === -1 || recording.processOf(thread) === process);
}

// Of each bin of the range, how many threads were in the region.
/** @param {Recording} recording @param {number} region @param {ViewState} state @param {{from: number, to: number}} range @param {number} bins */
export function regionBins(recording, region, state, range, bins) {
  const {regionSpans: spans} = recording;
  const perBin = (range.to - range.from) / bins;
  const threads = new Float64Array(bins);
  for (let i = 0; i < spans.region.length; i++) {
    if (spans.region[i] !== region || !isChosen(recording, spans.thread[i], state)) continue;
    const from = Math.max(spans.start[i], range.from);
    const to = Math.min(spans.end[i], range.to);
    const open = spans.busy[i] / Math.max(1, spans.end[i] - spans.start[i]);  // several calls, told as one span
    const last = Math.min(bins - 1, Math.floor((to - range.from) / perBin));
    for (let bin = Math.max(0, Math.floor((from - range.from) / perBin)); bin <= last; bin++) {
      const left = range.from + bin * perBin;
      threads[bin] += open * Math.max(0, Math.min(to, left + perBin) - Math.max(from, left)) / perBin;
    }
  }
  return threads;
}

// From its first begin to its last end, in the chosen threads.
/** @param {Recording} recording @param {number} region @param {ViewState} state @returns {{from: number, to: number}|null} */
export function regionExtent(recording, region, state) {
  const {regionSpans: spans} = recording;
  let from = Infinity;
  let to = -Infinity;
  for (let i = 0; i < spans.region.length; i++) {
    if (spans.region[i] !== region || !isChosen(recording, spans.thread[i], state)) continue;
    from = Math.min(from, spans.start[i]);
    to = Math.max(to, spans.end[i]);
  }
  return to > from ? {from: Math.max(0, from), to: Math.min(recording.durationNs, to)} : null;
}
