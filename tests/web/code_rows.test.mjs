// SPDX-License-Identifier: Apache-2.0
// Listings of source and of instructions.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {codeRows, foldKey, inlineMark} from '../../report/web/view/code_rows.js';
import {jumpLanes} from '../../report/web/view/jump_lanes.js';
import {nextHotRow, sourceRows} from '../../report/web/view/source_rows.js';

test('lanes of jumps are those of the annotate command', () => {
  assert.deepEqual(jumpLanes([{from: 3, to: 0}, {from: 1, to: 2}], 4), ['╭───▸', '│ ╭──', '│ ╰─▸', '╰────']);
  assert.deepEqual(jumpLanes([], 3), []);
  assert.deepEqual(jumpLanes([{from: 0, to: 2}], 3), ['╭──', '│  ', '╰─▸']);
  assert.deepEqual(jumpLanes([{from: 0, to: 1}, {from: 2, to: 1}], 3), ['╭──', '├─▸', '╰──']);
});

test('of more jumps that overlap than there are lanes the longest are left out', () => {
  const jumps = Array.from({length: 8}, (_, i) => ({from: i, to: 16 - i}));
  const lanes = jumpLanes(jumps, 17);
  assert.equal(lanes[0].trim(), '');
  assert.ok(lanes[7].includes('╭'));
  assert.equal(lanes[0].length, 11);
});

// Instructions in a few words: "block self text>target".
const piece = (texts, rest = {}) => ({
  name: 'work', begin: '0x100', end: '0x1ff', host: false, instructions: texts.map((text, i) => {
    const [, block, self, intel, , target] = text.match(/^(\d+) (\d+) ([^>]+)(>(\w+))?$/);
    return {offset: `0x${i}`, intel, att: intel, self: Number(self), total: Number(self), block: Number(block), file: '/src/work.c', line: Number(block) + 1,
      ...(target ? {target: `0x${target}`} : {})};
  }), ...rest,
});
const annotation = (...pieces) => ({name: 'work', self_with_inlined: 100, pieces});
const shown = (rows) => rows.map(({kind, at, count, line}) => kind === 'source' ? `line ${line}` : kind === 'fold' ? `fold ${count}` : kind === 'gap' ? '' : kind === 'piece' ? 'piece' : `i${at}`);

test('instructions stand under their lines, blocks are apart, what costs nothing is folded', () => {
  const cold = Array.from({length: 9}, () => '2 0 nop');
  const rows = codeRows(annotation(piece(['0 0 push', '1 60 mov', '1 40 jne>1', ...cold])), new Set());
  assert.deepEqual(shown(rows), ['piece', 'line 1', 'i0', '', 'line 2', 'i1', 'i2', 'fold 9']);
  assert.equal(rows[4].self, 100);
  assert.equal(rows[5].lanes, '╭─▸');
  assert.equal(rows[6].lanes, '╰──');
});

test('a fold that is opened shows what was in it', () => {
  const cold = Array.from({length: 9}, () => '2 0 nop');
  const listing = annotation(piece(['1 100 mov', ...cold]));
  const fold = codeRows(listing, new Set()).find(({kind}) => kind === 'fold');
  const rows = codeRows(listing, new Set([foldKey(fold)]));
  assert.ok(!rows.some(({kind}) => kind === 'fold'));
  assert.equal(rows.filter(({kind}) => kind === 'instruction').length, 10);
});

test('where a loop with cost begins again is shown, however far that is', () => {
  const body = Array.from({length: 12}, () => '0 0 add');
  const rows = codeRows(annotation(piece(['0 0 mov', ...body, '0 100 div', ...body, '0 0 jne>0'])), new Set());
  assert.deepEqual(shown(rows), ['piece', 'line 1', 'i0', 'fold 9', 'line 1', 'i10', 'i11', 'i12', 'i13', 'i14', 'i15', 'i16', 'fold 9', 'line 1', 'i26']);
  assert.equal(rows[2].lanes, '╭─▸');
});

test('instructions of the function that others were inlined into have no cost here', () => {
  const host = piece(['0 50 mov', '0 50 add'], {host: true});
  host.instructions[1].of_host = true;
  const rows = codeRows(annotation(host), new Set());
  assert.deepEqual(rows.filter(({kind}) => kind === 'instruction').map(({self}) => self), [50, 0]);
});

test('a mark says what was inlined, and how deep', () => {
  const frames = (...names) => ({inlined: names.map((name) => ({function: name, file: '', line: 1}))});
  assert.equal(inlineMark(frames('clamp', 'work'), 'work'), '[clamp, inlined]');
  assert.equal(inlineMark(frames('max', 'clamp', 'work'), 'work'), '[max, inlined 2 deep]');
  assert.equal(inlineMark(frames('work', 'main'), 'work'), '');
  assert.equal(inlineMark({}, 'work'), '');
});

const kText = [{file: '/src/a.c', first_line: 1, lines: ['one', 'two', 'three', 'four']}, {file: '/src/a.c', first_line: 2000, lines: ['far']}];
const cost = (file, line, self, total = self) => ({file, line, self, total});

test('lines stand with their text, files with most cost first', () => {
  const rows = sourceRows([cost('/src/b.h', 7, 10), cost('/src/a.c', 3, 50), cost('/src/a.c', 4, 0, 80)], kText, {file: '/src/a.c', line: 2});
  assert.deepEqual(rows.map(({kind, line, text}) => `${kind} ${line} ${text}`.trim()),
      ['file 0', 'line 1 one', 'line 2 two', 'line 3 three', 'line 4 four', 'file 0', 'line 7']);
  assert.deepEqual(rows.map(({self}) => self), [50, 0, 0, 50, 0, 10, 10]);
  assert.deepEqual(rows.map(({known}) => known), [false, true, true, true, true, false, false]);
});

test('what lies between lines far apart is a gap; code of no known line is told', () => {
  const rows = sourceRows([cost('/src/a.c', 2, 5), cost('/src/a.c', 2000, 5), cost('/src/a.c', 0, 1)], kText, {file: '', line: 0});
  assert.deepEqual(rows.map(({kind, line, count}) => [kind, line, count]),
      [['file', 0, 0], ['line', 0, 0], ['line', 1, 0], ['line', 2, 0], ['line', 3, 0], ['line', 4, 0], ['gap', 5, 1995], ['line', 2000, 0]]);
});

test('hot lines follow each other from the hottest down, and around', () => {
  const rows = sourceRows([cost('/src/a.c', 1, 5), cost('/src/a.c', 3, 50), cost('/src/a.c', 4, 20)], kText, {file: '', line: 0});
  const line = (row) => rows[row].line;
  let at = nextHotRow(rows, -1, 1);
  const visited = [];
  for (let i = 0; i < 4; i++, at = nextHotRow(rows, at, 1)) visited.push(line(at));
  assert.deepEqual(visited, [3, 4, 1, 3]);
  assert.equal(line(nextHotRow(rows, nextHotRow(rows, -1, 1), -1)), 1);
  assert.equal(nextHotRow([], -1, 1), -1);
});
