// SPDX-License-Identifier: Apache-2.0
// Leaks as rows: what each site says in words, which of them are asked for, and in what order.

import {qualifiedName} from './code_place.js';
import {bytesText, countText, timeText} from './format.js';

/** @typedef {{function: string, module: string, file: string, line: number, kind: string}} LeakFrame */
/** @typedef {{kind: string, bytes: number, blocks: number, module?: string, offset?: number, variable?: string, offset_in_variable?: number, thread?: {tid: number, name: string}, stack?: LeakFrame[]}} LeakHolder */
/** @typedef {{verdict: string, inherited: boolean, bytes: number, blocks: number, indirectly_lost_bytes: number, indirectly_lost_blocks: number, smallest_bytes: number, largest_bytes: number, first_ns: number, last_ns: number, threads: {tid: number, name: string}[], processes: {pid: number, program: string}[], suppression?: {name: string, file: string, line: number}, holders: LeakHolder[], stack: LeakFrame[], path: number[]}} LeakSite stack: leaf first; path: functions of the recording, root first */
/** @typedef {{site: LeakSite, group: string, place: number}} LeakRow place: index in the stack of the innermost frame outside of libraries */

// In order of gravity; the first two are what a gate counts. Moods are those of the quality panel.
export const kLeakGroups = [
  {name: 'definitely_lost', title: 'definitely lost', icon: '✗', mood: 'bad', help: 'nothing points to it: nobody can free it any more'},
  {name: 'indirectly_lost', title: 'indirectly lost', icon: '↳', mood: 'bad', help: 'only blocks that are lost point to it: it goes with them'},
  {name: 'possibly_lost', title: 'possibly lost', icon: '?', mood: 'note', help: 'only pointers into its middle: a pointer that moved on, or a leak'},
  {name: 'still_reachable', title: 'still reachable', icon: '●', mood: 'plain', help: 'the program could have freed it; see who holds it if it should be gone'},
  {name: 'suppressed', title: 'suppressed', icon: '○', mood: 'plain', help: 'what the built-in list says runtimes keep to the end'},
  {name: 'inherited', title: 'inherited', icon: '⇣', mood: 'plain', help: 'copies of a parent’s blocks in a forked process that it has not lost itself'},
];

/** @param {any} meta @returns {LeakRow[]} */
export function leakRows(meta) {
  const row = (/** @type {LeakSite} */ site, /** @type {string} */ group) => ({site, group, place: placeOfFrames(site.stack)});
  return [
    ...(meta.leak_sites || []).map((/** @type {LeakSite} */ site) => row(site, site.verdict)),
    ...(meta.leak_suppressed_sites || []).map((/** @type {LeakSite} */ site) => row(site, 'suppressed')),
    ...(meta.leak_inherited_sites || []).map((/** @type {LeakSite} */ site) => row(site, 'inherited')),
  ];
}

// Whether any process was looked at. Where none was, that nothing is known is not that nothing is lost.
/** @param {any} meta */
export function hasVerdicts(meta) {
  return meta.leak_checks.some((/** @type {{problem: string, blocks: number}} */ {problem, blocks}) => problem === '' || blocks > 0);
}

const kLibraryFile = /^\/usr\/(local\/)?(include|lib)\/|\/(c\+\+|bits|rustc)\//;
const kLibraryName = /^(std::|__gnu_cxx::|operator new|boost::container::|boost::unordered::|absl::|alloc::|core::|__rust_|x?(m|c|re)alloc$|(aligned_)?alloc$|posix_memalign$|memalign$|reallocarray$|strn?dup$|__strdup$|v?asprintf$|get(line|delim)$|__getdelim$|Py(Object|Mem)_)/;
const kLibraryModule = /^(libstdc\+\+|libc\+\+|libc|libglib-2\.0|libm|libpthread|libgcc_s|libjemalloc|libtcmalloc|libmimalloc)\.so|^(ld-linux|ld-musl-|libc-2\.)/;

/** @param {LeakFrame[]} stack leaf first @returns {number} the innermost that is no library's; 0 if all are */
function placeOfFrames(stack) {
  const place = stack.findIndex(({function: name, module, file, kind}) =>
    kind !== 'process' && !kLibraryModule.test(module) && !kLibraryFile.test(file) && !kLibraryName.test(qualifiedName(name)));
  return Math.max(place, 0);
}

/**
 * @param {LeakRow[]} rows
 * @param {{groups: Set<string>, test: ((text: string) => boolean)|null, pid: number, tid: number, range: {from: number, to: number}|null}} wanted pid and tid: 0 is any
 */
export function wantedRows(rows, {groups, test, pid, tid, range}) {
  return rows.filter(({site, group}) => groups.has(group) &&
      (pid === 0 || site.processes.some((process) => process.pid === pid)) &&
      (tid === 0 || site.threads.some((thread) => thread.tid === tid)) &&
      (!range || (site.last_ns >= range.from && site.first_ns < range.to)) &&
      (!test || site.stack.some((frame) => test(frame.function) || test(frame.file) || test(frame.module)) ||
        site.holders.some((holder) => test(holder.variable || ''))));
}

/** @type {Record<string, (row: LeakRow) => number|string>} what a column is ordered by */
const kOrders = {
  verdict: ({group}) => -kLeakGroups.findIndex((each) => each.name === group),
  bytes: ({site}) => site.bytes + site.indirectly_lost_bytes,
  blocks: ({site}) => site.blocks,
  behind: ({site}) => site.indirectly_lost_bytes,
  size: ({site}) => site.largest_bytes,
  first: ({site}) => -site.first_ns,
  place: (row) => leakPlaceText(row),
};

// The greatest first; names from A on. Of equal ones by verdict, then by bytes.
/** @param {LeakRow[]} rows @param {string} key @param {boolean} descending */
export function orderedRows(rows, key, descending) {
  const order = kOrders[key] || kOrders.bytes;
  const compare = (/** @type {number|string} */ a, /** @type {number|string} */ b) => (a < b ? 1 : a > b ? -1 : 0) * (typeof a === 'string' ? -1 : 1);
  return [...rows].sort((a, b) => (descending ? 1 : -1) * compare(order(a), order(b)) ||
      compare(kOrders.verdict(a), kOrders.verdict(b)) || compare(kOrders.bytes(a), kOrders.bytes(b)));
}

// "parse.cc:42" of the place, or its function where no line is known.
/** @param {LeakRow} row */
export function leakPlaceText({site, place}) {
  const frame = site.stack[place];
  if (!frame) return '[no stack]';
  return frame.line ? `${shortFile(frame.file)}:${frame.line}` : frame.function;
}

/** @param {string} file */
export function shortFile(file) {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** @param {LeakSite} site */
export function sizeText({blocks, smallest_bytes: smallest, largest_bytes: largest}) {
  if (smallest === largest) return bytesText(smallest) + (blocks > 1 ? ' each' : '');
  return `${bytesText(smallest)} to ${bytesText(largest)}`;
}

// When the blocks were allocated; and how old the oldest was at the end of the recording.
/** @param {LeakSite} site @param {number} endNs */
export function originText({first_ns: first, last_ns: last}, endNs) {
  const when = last <= 0 ? 'at the start' : first === last ? `at ${timeText(first)}` : `from ${timeText(Math.max(first, 0))} to ${timeText(last)}`;
  return `allocated ${when}; the oldest was held for ${timeText(Math.max(0, endNs - first))}`;
}

/** @param {{bytes: number, blocks: number}} amount */
export function amountText({bytes, blocks}) {
  return `${bytesText(bytes)} in ${blocksText(blocks)}`;
}

/** @param {number} blocks */
export function blocksText(blocks) {
  return `${countText(blocks)} block${blocks === 1 ? '' : 's'}`;
}

/** @param {LeakHolder} holder */
export function holderText({kind, module = '', offset = 0, variable = '', offset_in_variable: inside = 0, thread, stack = []}) {
  const of = thread ? `thread ${thread.name ? `${thread.name} [${thread.tid}]` : thread.tid}` : 'a thread that is not recorded';
  switch (kind) {
    case 'module_data':
      if (!module) return 'data of a module that is not known';
      if (!variable) return `${shortFile(module)}+0x${offset.toString(16)}`;
      return `variable ${variable}${inside ? `+0x${inside.toString(16)}` : ''} of ${shortFile(module)}`;
    case 'stack': return `the stack of ${of}`;
    case 'thread_local': return `thread-local storage of ${of}`;
    case 'register': return `a register of ${of}`;
    case 'mapped': return 'memory that the program mapped';
    case 'block': {
      const frame = stack[placeOfFrames(stack)];
      if (!frame) return 'a block whose call path is not known';
      return `a block allocated by ${frame.function}${frame.line ? ` at ${shortFile(frame.file)}:${frame.line}` : ''}`;
    }
    default: return 'nothing';
  }
}
