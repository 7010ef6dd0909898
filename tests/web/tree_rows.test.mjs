// SPDX-License-Identifier: Apache-2.0
// The call tree's rows, and the function table's.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {FunctionOrder, flatRows, groupTotals, groupedRows, shownFunctions} from '../../report/web/view/function_rows.js';
import {selfOfPaths} from '../../report/web/view/metrics.js';
import {TopDownTree} from '../../report/web/view/tree.js';
import {TreeRows} from '../../report/web/view/tree_rows.js';
import {FakeFunctions, FakeTree} from './fakes.mjs';
import {sampleRecording} from './sample.mjs';

const kCalls = `
main 10
  parse 20
    read 5
      copy 40
  draw 5
    line 15
  draw_more
    line 4
`;

function rowsOf(text = kCalls) {
  const functions = new FakeFunctions();
  const tree = new FakeTree(functions, text);
  const rows = new TreeRows(tree, new Map());
  const shown = () => [...rows.nodes].map((node, i) => '  '.repeat(rows.depths[i] - 1) + functions.name(tree.func(node)));
  return {functions, tree, rows, shown};
}

test('closed, the tree shows the functions that begin it', () => {
  const {rows, shown} = rowsOf();
  assert.deepEqual(shown(), ['main']);
  assert.equal(rows.expanded(0), false);
});

test('a row opens and closes, and a chain of single calls opens at once', () => {
  const {rows, shown} = rowsOf();
  rows.setExpanded(0, true);
  assert.deepEqual(shown(), ['main', '  parse', '  draw', '  draw_more']);
  rows.setExpanded(1, true);
  assert.deepEqual(shown(), ['main', '  parse', '    read', '      copy', '  draw', '  draw_more']);
  assert.equal(rows.expanded(0), true);
  assert.equal(rows.expanded(3), null);
  rows.setExpanded(1, false);
  assert.deepEqual(shown(), ['main', '  parse', '  draw', '  draw_more']);
});

test('the heaviest way opens down to where most is spent', () => {
  const {rows, shown} = rowsOf();
  const end = rows.expandHeaviest(-1);
  assert.deepEqual(shown(), ['main', '  parse', '    read', '      copy', '  draw', '  draw_more']);
  assert.equal(shown()[end], '      copy');
});

test('the heaviest way ends where no call has half of its caller', () => {
  const {rows, shown} = rowsOf('a 1\n  b 60\n    c 20\n    d 20\n');
  const end = rows.expandHeaviest(0);
  assert.equal(shown()[end], '  b');
  assert.deepEqual(shown(), ['a', '  b', '    c', '    d']);
});

test('everything below a row opens and closes', () => {
  const {rows, shown} = rowsOf();
  assert.equal(rows.expandAll(-1), true);
  assert.equal(rows.count, 8);
  assert.deepEqual(shown().slice(4), ['  draw', '    line', '  draw_more', '    line']);
  rows.collapseAll(-1);
  assert.deepEqual(shown(), ['main']);
});

test('what is open stays open in a tree of other values', () => {
  const {functions, rows} = rowsOf();
  rows.setExpanded(0, true);
  const other = new TreeRows(new FakeTree(functions, 'main\n  draw 5\n  parse 2\n'), rows.open);
  assert.deepEqual([...other.nodes].map((node) => functions.name(other.tree.func(node))), ['main', 'draw', 'parse']);
});

test('a path is revealed as far as the tree has it', () => {
  const {functions, rows, shown} = rowsOf();
  const path = (...names) => names.map((name) => functions.index(name));
  const line = rows.reveal(path('main', 'draw', 'line'));
  assert.equal(shown()[line], '    line');
  const parse = rows.reveal(path('main', 'parse', 'nowhere'));
  assert.equal(shown()[parse], '  parse');
  assert.equal(rows.reveal(path('nowhere')), -1);
});

test('steps to matches go through the whole tree, both ways and around its end', () => {
  const {functions, rows, shown} = rowsOf();
  const line = (f) => functions.name(f) === 'line';
  let at = rows.nextMatch(-1, 1, line);
  assert.deepEqual(shown()[at], '    line');
  assert.equal(shown()[at - 1], '  draw');
  at = rows.nextMatch(at, 1, line);
  assert.equal(shown()[at - 1], '  draw_more');
  at = rows.nextMatch(at, 1, line);
  assert.equal(shown()[at - 1], '  draw');
  at = rows.nextMatch(at, -1, line);
  assert.equal(shown()[at - 1], '  draw_more');
  at = rows.nextMatch(at, -1, line);
  assert.equal(shown()[at - 1], '  draw');
  assert.equal(rows.nextMatch(0, 1, () => false), -1);
});

test('functions are ordered by a column, and by name among equals', () => {
  const functions = new FakeFunctions();
  for (const name of ['b', 'c', 'a', 'gone']) functions.index('lib!' + name);
  const totals = {self: Float64Array.of(1, 5, 1, 0), total: Float64Array.of(9, 5, 9, 0), count: Float64Array.of(1, 2, 3, 0)};
  const order = new FunctionOrder(functions);
  const shown = shownFunctions(order, totals, () => true);
  assert.deepEqual([...shown], [2, 0, 1]);
  assert.deepEqual([...flatRows(shown, order, totals, 'self', true).rows], [1, 2, 0]);
  assert.deepEqual([...flatRows(shown, order, totals, 'name', false).rows], [2, 0, 1]);
  assert.deepEqual([...flatRows(shown, order, totals, 'name', true).rows], [1, 0, 2]);
  assert.deepEqual([...flatRows(shown, order, totals, 'count', false).rows], [0, 1, 2]);
});

test('a group counts a stack with several of its functions once', () => {
  const recording = sampleRecording({samples: [
    {stack: 'main@app', ms: 1}, {stack: 'main@app;open@lib', ms: 2}, {stack: 'main@app;open@lib;callback@app', ms: 4},
    {stack: 'main@app;open@lib;callback@app;close@lib', ms: 8}, {stack: 'start@[os];open@lib', ms: 16},
  ]});
  const {functions, paths} = recording;
  const {value, count} = selfOfPaths(recording, 'cpu', {from: -1, to: Infinity, process: -1, thread: -1});
  const tree = new TopDownTree({paths, value: value.map((each) => each / 1e6), count});
  const totals = {self: Float64Array.of(1, 18, 4, 8, 0, 0, 0), total: Float64Array.of(15, 30, 12, 8, 0, 0, 0), count: new Float64Array(7)};
  const groups = groupTotals(tree, Int32Array.of(0, 1, 0, 1, 2, -1, -1), 3);
  assert.deepEqual([...groups.self], [5, 26, 0]);
  assert.deepEqual([...groups.total], [15, 30, 16]);
  assert.deepEqual([...groups.count], [15, 30, 16]);
  const order = new FunctionOrder(functions);
  const flat = flatRows(shownFunctions(order, totals, () => true), order, totals, 'self', true);
  const options = {grouping: 'module', key: 'self', descending: true, closed: new Set()};
  const grouped = groupedRows(flat, functions, tree, options);
  assert.deepEqual(grouped.groups.map((group) => [group.name, group.self, group.total, group.functions]), [['lib', 26, 30, 2], ['app', 5, 15, 2]]);
  assert.deepEqual([...grouped.rows], [~0, 1, 3, ~1, 2, 0]);
  assert.deepEqual([...groupedRows(flat, functions, tree, {...options, closed: new Set(['lib'])}).rows], [~0, ~1, 2, 0]);
});
