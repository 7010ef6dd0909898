// SPDX-License-Identifier: Apache-2.0
// Rows of a recording stand in order of slice, thread and stack. Those of one slice and thread are a run, and a filter lets
// whole runs through or none of one.

/**
 * @typedef {object} RowRuns
 * @property {Uint32Array} begin the first row of each run, and at the end how many rows there are
 * @property {Uint32Array} slice of each run
 * @property {Uint32Array} thread of each run
 */

/** @param {Uint32Array} slice by row @param {Uint32Array} thread by row @returns {RowRuns} */
export function runsOfRows(slice, thread) {
  const begin = [];
  for (let row = 0; row < slice.length; row = endOfRun(slice, thread, row)) begin.push(row);
  return {
    begin: Uint32Array.from([...begin, slice.length]), slice: Uint32Array.from(begin, (row) => slice[row]),
    thread: Uint32Array.from(begin, (row) => thread[row]),
  };
}

/** @param {Uint32Array} slice @param {Uint32Array} thread @param {number} row */
function endOfRun(slice, thread, row) {
  let end = row + 1;
  while (end < slice.length && slice[end] === slice[row] && thread[end] === thread[row]) end++;
  return end;
}
