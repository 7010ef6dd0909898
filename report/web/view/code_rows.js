// SPDX-License-Identifier: Apache-2.0
// The rows of a piece of machine code, in the order they are read: source lines, the instructions under them, gaps
// between basic blocks, and stretches without cost folded into one row; as report/annotate_view.h has them for
// `flarestack annotate`.
import {jumpLanes} from './jump_lanes.js';

/**
 * @typedef {object} CodeInstruction as in the JSON of `flarestack annotate`
 * @property {string} offset
 * @property {string} intel
 * @property {string} att
 * @property {number} self
 * @property {number} total
 * @property {number} block
 * @property {string} file
 * @property {number} line
 * @property {string} [target]
 * @property {string} [leads_to]
 * @property {boolean} [of_host]
 * @property {{function: string, file: string, line: number}[]} [inlined] innermost first
 *
 * @typedef {{name: string, begin: string, end: string, host: boolean, instructions: CodeInstruction[]}} CodePiece
 *
 * @typedef {object} CodeRow
 * @property {'piece'|'source'|'instruction'|'fold'|'gap'} kind
 * @property {CodePiece} piece
 * @property {number} at instruction, or the first one
 * @property {number} count of instructions
 * @property {number} self
 * @property {number} total
 * @property {string} file
 * @property {number} line
 * @property {string} mark source: what was inlined there
 * @property {string} lanes
 */

const kContext = 3;      // instructions without cost around one with it, in its basic block
const kLeastFolded = 5;  // a fold that hides less saves nothing
const kLeastShownShare = 0.01;

/** @param {CodeInstruction} instruction */
const isJump = (instruction) => /^(j|loop|b\.|cbn?z|tbn?z|b\b)/.test(instruction.intel) && !/^(bl|bt|bs|bl?sr|bz)/.test(instruction.intel.split(/\s/)[0]);

/** @param {CodeInstruction} instruction @param {'self'|'total'} key */
const ownCost = (instruction, key) => (instruction.of_host ? 0 : instruction[key]);

/** @param {CodePiece} piece @returns {Map<string, number>} instruction by its offset */
const byOffset = (piece) => new Map(piece.instructions.map((each, i) => [each.offset, i]));

// Which instructions are shown: those with cost, what is around them in their basic block, and what is not worth a fold.
/** @param {CodePiece} piece @param {number} whole @returns {boolean[]} */
function shownOf(piece, whole) {
  const code = piece.instructions;
  const least = Math.max(1, kLeastShownShare * whole);
  const offsets = byOffset(piece);
  const shown = code.map(() => false);
  code.forEach((instruction, i) => {
    if (ownCost(instruction, 'self') < least && ownCost(instruction, 'total') < least) return;
    const {block} = instruction;
    for (let each = Math.max(0, i - kContext); each <= Math.min(code.length - 1, i + kContext); each++) if (code[each].block === block) shown[each] = true;
    let end = i;
    while (end + 1 < code.length && code[end + 1].block === block) end++;
    const again = isJump(code[end]) && code[end].target ? offsets.get(code[end].target || '') : undefined;
    if (again !== undefined && again <= end) shown[end] = shown[again] = true;  // where a loop with cost begins again
  });
  for (let i = 0; i < code.length;) {
    let end = i;
    while (end < code.length && !shown[end]) end++;
    if (end > i && end - i < kLeastFolded && (i > 0 || end < code.length)) shown.fill(true, i, end);
    i = end + 1;
  }
  return shown;
}

// "[clamp, inlined 2 deep]" of what was inlined into `name`; empty: it is in the function itself.
/** @param {CodeInstruction} instruction @param {string} name */
export function inlineMark(instruction, name) {
  const frames = instruction.inlined;
  if (!frames || frames.length < 2) return '';
  const own = frames.findIndex((frame) => frame.function === name);
  const depth = own < 0 ? frames.length : own;
  if (depth === 0 || frames[0].function === '') return '';
  return `[${frames[0].function}${depth > 1 ? `, inlined ${depth} deep` : ', inlined'}]`;
}

/** @param {CodeInstruction} a @param {CodeInstruction} b */
function samePlace(a, b) {
  const frames = (/** @type {CodeInstruction} */ each) => (each.inlined || []).map((frame) => `${frame.function}\0${frame.file}\0${frame.line}`).join('\n');
  return a.file === b.file && a.line === b.line && frames(a) === frames(b);
}

/** @param {CodePiece} piece @param {string} name of the function @param {number} whole its cost @param {Set<string>} unfolded offsets of folds
 * that are open @returns {CodeRow[]} */
function pieceRows(piece, name, whole, unfolded) {
  const code = piece.instructions;
  const shown = shownOf(piece, whole);
  /** @type {CodeRow[]} */
  const rows = [];
  const add = (/** @type {CodeRow['kind']} */ kind, /** @type {number} */ at, rest = {}) => {
    rows.push({kind, piece, at, count: 1, self: 0, total: 0, file: '', line: 0, mark: '', lanes: '', ...rest});
    return rows[rows.length - 1];
  };
  // A fold that was opened shows all its instructions.
  for (let i = 0; i < code.length; i++) {
    if (shown[i] || !unfolded.has(piece.begin + code[i].offset)) continue;
    for (let each = i; each < code.length && !shown[each]; each++) shown[each] = true;
  }
  /** @type {CodeInstruction|null} */
  let place = null;
  let source = null;
  for (let i = 0; i < code.length; i++) {
    const instruction = code[i];
    if (!shown[i]) {
      let fold = rows[rows.length - 1];
      if (!fold || fold.kind !== 'fold') fold = add('fold', i, {count: 0});
      fold.count++;
      fold.self += ownCost(instruction, 'self');
      place = null;
      continue;
    }
    if (i > 0 && instruction.block !== code[i - 1].block) add('gap', i, {count: 0});
    if (instruction.line > 0 && (!place || !samePlace(place, instruction))) {
      source = add('source', i, {count: 0, file: instruction.file, line: instruction.line, mark: inlineMark(instruction, name)});
      place = instruction;
    }
    const row = add('instruction', i, {self: ownCost(instruction, 'self'), total: ownCost(instruction, 'total'), file: instruction.file, line: instruction.line});
    if (source) source.self += row.self;
  }
  return rows;
}

/** @param {CodeRow[]} rows of one piece @param {CodePiece} piece */
function drawLanes(rows, piece) {
  const rowOf = /** @type {Map<number, number>} */ (new Map());
  rows.forEach((row, at) => {
    for (let each = 0; each < row.count; each++) rowOf.set(row.at + each, at);
  });
  const offsets = byOffset(piece);
  const jumps = [];
  for (const [i, instruction] of piece.instructions.entries()) {
    if (!instruction.target || !isJump(instruction)) continue;
    const target = offsets.get(instruction.target);
    const from = rowOf.get(i);
    const to = target === undefined ? undefined : rowOf.get(target);
    // One from a folded instruction is not seen where it comes from.
    if (from === undefined || to === undefined || from === to || rows[from].kind === 'fold') continue;
    jumps.push({from, to});
  }
  jumpLanes(jumps, rows.length).forEach((lanes, i) => { rows[i].lanes = lanes; });
}

/** @param {{name: string, self_with_inlined: number, pieces: CodePiece[]}} annotation @param {Set<string>} unfolded @returns {CodeRow[]} */
export function codeRows(annotation, unfolded) {
  /** @type {CodeRow[]} */
  const rows = [];
  for (const piece of annotation.pieces) {
    const own = pieceRows(piece, annotation.name, annotation.self_with_inlined, unfolded);
    drawLanes(own, piece);
    rows.push({kind: 'piece', piece, at: 0, count: 0, self: 0, total: 0, file: '', line: 0, mark: '', lanes: ''}, ...own);
  }
  return rows;
}

/** @param {CodeRow} fold @returns {string} what opens it */
export const foldKey = (fold) => fold.piece.begin + fold.piece.instructions[fold.at].offset;
