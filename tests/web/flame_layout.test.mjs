// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {findNode, FlameLayout, runsOf} from '../../report/web/view/flame_layout.js';
import {FakeTree} from './fake_tree.mjs';

// Functions are numbers: 0 the root, 1 main, 2 parse, 3 draw, 4 read, 5 and more are small.
const kProgram = [0, 0, [1, 10, [3, 30], [2, 20, [4, 40]]]];
const layOut = (tree, options) => new FlameLayout(tree, options).extend();
const laid = (layout) => Array.from({length: layout.count}, (_, at) =>
  [layout.node[at], layout.rowOf(at), Math.round(layout.x[at] * 10) / 10, Math.round(layout.width[at] * 10) / 10]);
const many = (count, from = 10) => Array.from({length: count}, (_, i) => [from + i, 1]);

test('frames are as wide as their totals and stand below their callers, the heaviest first', () => {
  const layout = layOut(new FakeTree(kProgram), {zoom: 0, width: 1000});
  assert.deepEqual(laid(layout), [[0, 0, 0, 1000], [1, 1, 0, 1000], [3, 2, 0, 600], [2, 2, 600, 300], [4, 3, 0, 400]]);
  assert.equal(layout.rows, 4);
  assert.equal(layout.narrow, 0);
});

test('a zoomed frame and its callers take the whole width, and only what it calls is shown', () => {
  const tree = new FakeTree(kProgram);
  const layout = layOut(tree, {zoom: findNode(tree, [1, 2]), width: 600});
  assert.equal(layout.zoomRow, 2);
  assert.deepEqual(laid(layout).map(([node, row, x, width]) => [tree.func(node), row, x, width]),
    [[0, 0, 0, 600], [1, 1, 0, 600], [2, 2, 0, 600], [4, 3, 0, 400]]);
});

test('frames too narrow to be seen become one stub that says how many they are', () => {
  const tree = new FakeTree([0, 0, [1, 900], ...many(100)]);
  const layout = layOut(tree, {zoom: 0, width: 400});
  assert.equal(layout.count, 3);
  assert.deepEqual([layout.hidden[2], Math.round(layout.x[2]), Math.round(layout.width[2])], [100, 360, 40]);
  assert.equal(layout.narrow, 100);
});

test('what is too narrow even together is left out', () => {
  const layout = layOut(new FakeTree([0, 0, [1, 10_000], ...many(4)]), {zoom: 0, width: 400});
  assert.equal(layout.count, 2);
  assert.equal(layout.narrow, 4);
});

test('in order of time each run of narrow frames is a stub where it happened', () => {
  const tree = new FakeTree([0, 0, ...many(10), [1, 500], ...many(20), [2, 470]], {inTime: true});
  const layout = layOut(tree, {zoom: 0, width: 400, inTime: true});
  assert.deepEqual(Array.from(layout.hidden.slice(0, layout.count)), [0, 10, 0, 20, 0]);
  assert.deepEqual(Array.from(layout.x.slice(1, layout.count), Math.round), [0, 4, 204, 212]);
  assert.equal(layout.narrow, 30);
});

test('rows can be laid out one at a time, and come to the same', () => {
  const layout = new FlameLayout(new FakeTree(kProgram), {zoom: 0, width: 1000});
  const counts = [layout.rows];
  while (!layout.done) counts.push(layout.extend(() => true).rows);
  assert.deepEqual(counts, [1, 2, 3, 4, 4]);
  assert.deepEqual(laid(layout), laid(layOut(new FakeTree(kProgram), {zoom: 0, width: 1000})));
});

test('an empty tree is a root alone', () => {
  const layout = layOut(new FakeTree([0, 0]), {zoom: 0, width: 400});
  assert.deepEqual(laid(layout), [[0, 0, 0, 400]]);
});

test('what is under the mouse is found, and nothing where nothing is', () => {
  const layout = layOut(new FakeTree(kProgram), {zoom: 0, width: 1000});
  const nodeAt = (x, row) => {
    const at = layout.hit(x, row);
    return at < 0 ? 'nothing' : layout.node[at];
  };
  assert.equal(nodeAt(0, 0), 0);
  assert.equal(nodeAt(599, 2), 3);
  assert.equal(nodeAt(601, 2), 2);
  assert.equal(nodeAt(899, 2), 2);
  assert.equal(nodeAt(901, 2), 'nothing');
  assert.equal(nodeAt(5, 3), 4);
  assert.equal(nodeAt(5, 4), 'nothing');
  assert.equal(nodeAt(5, -1), 'nothing');
});

test('arrows find callers, callees and neighbours', () => {
  const tree = new FakeTree(kProgram);
  const layout = layOut(tree, {zoom: 0, width: 1000});
  const parse = layout.indexOf(findNode(tree, [1, 2]));
  const draw = layout.beside(parse, 1);
  assert.equal(tree.func(layout.node[draw]), 3);
  assert.equal(layout.beside(draw, 1), -1);
  assert.equal(layout.beside(parse, -1), -1);
  assert.equal(layout.beside(0, 1), -1);
  assert.equal(tree.func(layout.node[layout.firstChild(parse)]), 4);
  assert.equal(layout.firstChild(draw), -1);
  assert.equal(layout.parent[draw], 1);
});

test('a path that is no longer there leads to the deepest frame on the way', () => {
  const tree = new FakeTree(kProgram);
  assert.equal(tree.func(findNode(tree, [1, 2, 9])), 2);
  assert.equal(findNode(tree, [7]), 0);
});

test('runs of one function are told apart in order of time', () => {
  const tree = new FakeTree([0, 0, [1, 5, [2, 1], [3, 1], [2, 7]], [4, 2], [1, 9]], {inTime: true});
  for (const node of [1, 2, 3, 4, 5, 6]) assert.equal(findNode(tree, tree.pathOf(node), runsOf(tree, node)), node);
});

test('only what is wide enough is visited in a tree of 500 000 nodes', () => {
  const level = (depth, value) => depth === 0 ? [] : Array.from({length: 10}, (_, i) => [i + 1, value / 10, ...level(depth - 1, value / 10)]);
  const tree = new FakeTree([0, 0, ...level(5, 1e6), ...Array.from({length: 389_000}, (_, i) => [100 + i, 1e-3])]);
  assert.ok(tree.size > 500_000);
  const layout = layOut(tree, {zoom: 0, width: 1280});
  assert.ok(tree.visited <= layout.count, `${tree.visited} frames visited, ${layout.count} drawn`);
  assert.ok(layout.count < 5 * 2 * 1280);
});
