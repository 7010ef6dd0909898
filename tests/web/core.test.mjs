// SPDX-License-Identifier: Apache-2.0
// What a page makes of its payload: columns, call paths, metrics, trees, transforms, state.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {readPayload} from '../../report/web/view/payload.js';
import {Functions} from '../../report/web/view/functions.js';
import {Paths} from '../../report/web/view/paths.js';
import {linesOfFunction} from '../../report/web/view/function_lines.js';
import {selfOfPaths, selfOfStacks, overTime} from '../../report/web/view/metrics.js';
import {functionPath, functionTotals, InvertedTree, TopDownTree} from '../../report/web/view/tree.js';
import {applyTransforms} from '../../report/web/view/transform.js';
import {Model} from '../../report/web/view/model.js';
import {defaultState, stateFromFragment, stateToFragment, Store} from '../../report/web/view/state.js';
import {bytesText, percentText, timeText} from '../../report/web/view/format.js';
import {sampleRecording} from './sample.mjs';

const kAll = {from: -1, to: Infinity, process: -1, thread: -1};

// {"main;work": self} of paths with a value.
function selfs({paths, value}, functions) {
  const found = {};
  for (let path = 1; path < paths.count; path++) {
    if (value[path] !== 0) found[paths.stackOf(path).map((f) => functions.name(f)).join(';')] = value[path];
  }
  return found;
}
// "main 30 > (work 20, idle 10)" of a tree, values in ms.
function shape(tree, functions, node = 0) {
  const children = [...tree.children(node)].map((child) => shape(tree, functions, child)).join(', ');
  const name = node === 0 ? 'all' : functions.name(tree.func(node));
  return `${name} ${tree.total(node) / 1e6}${children && ` (${children})`}`;
}
function kSamples() {
  return [
    {stack: 'main;work;parse', ms: 6, slice: 0}, {stack: 'main;work', ms: 2, slice: 1}, {stack: 'main;idle', ms: 3, slice: 1},
    {stack: 'main;work;parse;work', ms: 1, slice: 2}, {stack: 'main;wait', ms: 9, slice: 2, waiting: 1},
    {stack: 'start;work', ms: 4, slice: 2, thread: 1},
  ];
}
function sampleModel(description = {samples: kSamples(), threads: [{}, {name: 'worker'}]}) {
  const recording = sampleRecording(description);
  return {model: new Model([recording], recording.functions, recording.paths), recording, state: {...defaultState(), view: 'flame'}};
}

test('columns are read as they were packed', () => {
  const uleb = (...values) => values.flatMap((value) => {
    const bytes = [];
    for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
    return [...bytes, value];
  });
  const zigzag = (...values) => values.map((value, i) => {
    const step = value - (values[i - 1] ?? 0);
    return step < 0 ? -step * 2 - 1 : step * 2;
  });
  const big = 2 ** 52 + 12345;
  const bytes = [uleb(0, 1, 127, 128, 4294967295), uleb(...zigzag(5, 3, -7, big))];
  const json = new TextEncoder().encode(JSON.stringify({columns: [
    {name: 'a', type: 'u32', code: 'uleb', count: 5, bytes: bytes[0].length},
    {name: 'b', type: 'f64', code: 'delta', count: 4, bytes: bytes[1].length},
  ]}));
  const length = new Uint8Array(new Uint32Array([json.length]).buffer);
  const payload = readPayload(Uint8Array.from([...length, ...json, ...bytes.flat()]));
  assert.deepEqual([...payload.column('a')], [0, 1, 127, 128, 4294967295]);
  assert.deepEqual([...payload.column('b')], [5, 3, -7, big]);
  assert.equal(payload.column('c').length, 0);
});

test('paths are found again, and know recursion', () => {
  const paths = new Paths(2);
  const made = [];
  for (let i = 0; i < 5000; i++) made.push(paths.child(i % 7 === 0 ? 0 : made[i - 1], i % 100, 0));
  for (let i = 0; i < 5000; i++) assert.equal(paths.child(i % 7 === 0 ? 0 : made[i - 1], i % 100, 0), made[i]);
  const recursive = new Paths();
  const a = recursive.child(0, 1, 0);
  const b = recursive.child(a, 2, 0);
  const c = recursive.child(b, 1, 0);
  const d = recursive.child(0, 2, 0);
  assert.deepEqual([a, b, c, d].map((path) => recursive.isRecursive(path)), [false, false, true, false]);
});

test('a path that was appended is found as well', () => {
  const paths = new Paths(2);
  const made = [paths.child(0, 7, 0)];
  for (let i = 1; i < 100; i++) made.push(paths.append(made[i - 1], i, 0));
  const {first} = paths.children();
  assert.equal(first[made[0]], made[1]);
  assert.equal(paths.child(made[41], 42, 0), made[42]);
  const more = paths.child(made[99], 1, 0);
  assert.equal(paths.children().first[made[99]], more);
});

test('functions of one name and module are one, of two modules two', () => {
  const functions = new Functions();
  const f = functions.add('f', 'a', '', '', 0, 'inlined');
  assert.equal(functions.add('f', 'a', '', '/f.c', 3, 'native'), f);
  assert.deepEqual([functions.kind(f), functions.file(f), functions.line(f)], ['native', '/f.c', 3]);
  assert.notEqual(functions.add('f', 'b', '', '', 0, 'native'), f);
  const alloc = (name) => functions.isAllocator(functions.add(name, 'libc.so.6', '', '', 0, 'native'));
  assert.deepEqual(['malloc', 'operator new(unsigned long)', '_int_malloc', 'mallory', 'freeze'].map(alloc), [true, true, true, false, false]);
});

test('CPU time is without waiting, wall time with it; filters hold; a slice partly in the range counts so', () => {
  const {recording} = sampleModel();
  const {functions, paths} = recording;
  const of = (metric, filter = {}) => selfs({paths, ...selfOfPaths(recording, metric, {...kAll, ...filter})}, functions);
  const cpu = {'main;work;parse': 6e6, 'main;work': 2e6, 'main;idle': 3e6, 'main;work;parse;work': 1e6, 'start;work': 4e6};
  assert.deepEqual(of('cpu'), cpu);
  assert.deepEqual(of('wall'), {...cpu, 'main;wait': 9e6});
  assert.deepEqual(of('cpu', {thread: 1}), {'start;work': 4e6});
  assert.deepEqual(of('cpu', {from: 5e6, to: 20e6}), {'main;work;parse': 3e6, 'main;work': 2e6, 'main;idle': 3e6});
});

test('levels of the heap are of a moment', () => {
  const recording = sampleRecording({
    allocations: [
      {stack: 'main;keep;malloc', slice: 0, allocations: 4, bytes: 400, peakBytes: 400, peakBlocks: 4},
      {stack: 'main;keep;malloc', slice: 1, freed: 3, freedBytes: 300},
      {stack: 'main;temp;malloc', slice: 1, allocations: 9, bytes: 900, freed: 9, freedBytes: 900, temporary: 9, peakBytes: 100, peakBlocks: 1},
      {stack: 'main;mmap', slice: 0, kind: 1, allocations: 1, bytes: 5000, peakBytes: 5000, peakBlocks: 1},
    ],
    leaks: [{stack: 'main;keep;malloc', blocks: 1, bytes: 100}, {stack: 'main;temp;malloc', blocks: 5, bytes: 50, counted: 0}],
    heapSlices: [
      {start: 0, length: 10e6, peak_bytes: 400, peak_time: 4e6, live_bytes: 400},
      {start: 10e6, length: 10e6, peak_bytes: 500, peak_time: 12e6, live_bytes: 100},
    ],
  });
  const {functions, paths} = recording;
  const of = (metric, filter = {}) => selfs({paths, ...selfOfPaths(recording, metric, {...kAll, ...filter})}, functions);
  assert.deepEqual(of('allocated'), {'main;keep;malloc': 400, 'main;temp;malloc': 900});
  assert.deepEqual(of('temporary'), {'main;temp;malloc': 9});
  assert.deepEqual(of('live'), {'main;keep;malloc': 100});
  assert.deepEqual(of('live', {to: 10e6}), {'main;keep;malloc': 400});
  assert.deepEqual(of('peak'), {'main;keep;malloc': 400, 'main;temp;malloc': 100});
  assert.deepEqual(of('peak', {to: 10e6}), {'main;keep;malloc': 400});
  assert.deepEqual(of('leaked'), {'main;keep;malloc': 100});
  assert.deepEqual([...overTime(recording, 'live', {...kAll, from: 0, to: 40e6}, 4)], [0, 400, 100, 100]);
});

test('lines have self and total, recursion once', () => {
  const {recording} = sampleModel();
  const work = recording.functions.list.findIndex((each) => each.name === 'work');
  assert.deepEqual(linesOfFunction(recording, selfOfStacks(recording, 'cpu', kAll).value, work).map(({self, total}) => [self / 1e6, total / 1e6]), [[7, 13]]);
});

test('trees from the root, from the leaves and in time have the same total', () => {
  const {model, state, recording} = sampleModel();
  const {functions} = recording;
  assert.equal(shape(model.topDown(state), functions), 'all 16 (main 12 (work 9 (parse 7 (work 1)), idle 3), start 4 (work 4))');
  assert.equal(shape(model.inverted(state), functions),
      'all 16 (work 7 (start 4, main 2, parse 1 (work 1 (main 1))), parse 6 (work 6 (main 6)), idle 3 (main 3))');
  const time = model.inTime(state);
  assert.equal(shape(time, functions),
      'all 16 (main [100] 12 (main 12 (work 8 (parse 6), idle 3, work 1 (parse 1 (work 1)))), worker [101] 4 (start 4 (work 4)))');
  const one = model.inTime({...state, thread: 1});
  assert.equal(shape(one, functions), 'all 4 (start 4 (work 4))');
  assert.equal(one.self(one.children(one.children(0)[0])[0]), 4e6);
});

test('in order of time paths of equal beginnings stand together, also where a transform made them so', () => {
  const stacks = ['a;x;c', 'a;b', 'a;y;c'];
  const {model, state, recording: {functions}} = sampleModel({samples: [...stacks.map((stack) => ({stack, ms: 1})), {stack: 'a;b', ms: 2, slice: 1}]});
  const merged = ['x', 'y'].map((name) => ({type: 'merge-function', func: functions.list.findIndex((each) => each.name === name)}));
  assert.equal(shape(model.inTime({...state, transforms: merged}), functions), 'all 5 (a 5 (c 2, b 3))');
  const order = model.timeOrder({...state, transforms: merged.slice(1)}, 0);
  assert.equal(order.work(() => true), false);
  assert.equal(order.work(() => true), true);
  assert.equal(shape(model.inTime({...state, transforms: merged.slice(1)}), functions), 'all 5 (a 5 (x 1 (c 1), b 1, c 1, b 2))');
});

test('a function that calls itself counts once a stack', () => {
  const {model, state, recording} = sampleModel();
  const {self, total} = functionTotals(model.topDown(state), recording.functions.count);
  const work = recording.functions.list.findIndex((each) => each.name === 'work');
  assert.deepEqual([self[work], total[work]], [7e6, 13e6]);
});

test('transforms do what they say', () => {
  const {model, state, recording} = sampleModel({samples: [
    {stack: 'main;f;g;f;h', ms: 1}, {stack: 'main;f;f;g', ms: 2}, {stack: 'main;a@lib.so;b@lib.so;c', ms: 4}, {stack: 'main;b@lib.so', ms: 8},
  ]});
  const {functions} = recording;
  const f = (name) => functions.list.findIndex((each) => each.name === name);
  const after = (...transforms) => selfs(applyTransforms(model.values(state), transforms, functions)[0], functions);
  const ms = (result) => Object.fromEntries(Object.entries(result).map(([key, value]) => [key, value / 1e6]));
  assert.deepEqual(ms(after({type: 'focus-function', func: f('g')})), {'g;f;h': 1, g: 2});
  assert.deepEqual(ms(after({type: 'focus-subtree', path: [f('main'), f('f'), f('f')]})), {'f;g': 2});
  assert.deepEqual(ms(after({type: 'merge-function', func: f('f')})), {'main;g;h': 1, 'main;g': 2, 'main;a;b;c': 4, 'main;b': 8});
  assert.deepEqual(ms(after({type: 'drop-function', func: f('f')})), {'main;a;b;c': 4, 'main;b': 8});
  assert.deepEqual(ms(after({type: 'drop-subtree', path: [f('main'), f('a')]})), {'main;f;g;f;h': 1, 'main;f;f;g': 2, 'main;b': 8});
  assert.deepEqual(ms(after({type: 'collapse-recursion', func: f('f')})), {'main;f;h': 1, 'main;f;g': 2, 'main;a;b;c': 4, 'main;b': 8});
  assert.deepEqual(ms(after({type: 'collapse-direct-recursion'})), {'main;f;g;f;h': 1, 'main;f;g': 2, 'main;a;b;c': 4, 'main;b': 8});
  const library = model.libraries.get('lib.so');
  assert.deepEqual(ms(after({type: 'collapse-library', func: library})),
      {'main;f;g;f;h': 1, 'main;f;f;g': 2, 'main;[lib.so];c': 4, 'main;[lib.so]': 8});
  assert.deepEqual(ms(after({type: 'drop-function', func: f('g')}, {type: 'merge-function', func: f('main')})), {'a;b;c': 4, b: 8});
});

test('a search matches a part of the total, nested matches once, and takes what is no expression as text', () => {
  const {model, state} = sampleModel();
  const found = model.matches({...state, search: '^work$'});
  assert.deepEqual([found.functions, found.share, found.error], [1, 13 / 16, '']);
  assert.match(model.matches({...state, search: 'operator['}).error, /searched as text/);
  assert.equal(model.matches({...state, search: 'WORK'}).functions, 0);  // capitals are meant
});

test('the state goes through the fragment and back', () => {
  const defaults = defaultState();
  assert.equal(stateToFragment(defaults, defaults), '');
  const state = {
    ...defaults, view: 'flame', metric: 'peak', form: 'flame', inverted: true, ranges: [{from: 0, to: 9e9}, {from: 5, to: 1e6}], thread: 3, func: 7,
    search: 'a;b&c #1', transforms: [{type: 'focus-subtree', path: [1, 2]}, {type: 'drop-function', func: 4}, {type: 'collapse-direct-recursion'}],
    zoom: [1, 2, 3], sort: '-self', theme: 'dark', extra: {'source.syntax': 'att'},
  };
  assert.deepEqual(stateFromFragment('#' + stateToFragment(state, defaults), defaults), state);
  assert.deepEqual(stateFromFragment('#metric=no&thread=-5&range=9-1&zoom=a.b&transforms=9:1,0&form=x', defaults), defaults);
  const begun = {...defaults, ranges: [{from: 5, to: 7}]};
  assert.deepEqual(stateFromFragment('', begun).ranges, begun.ranges);
  assert.deepEqual(stateFromFragment(stateToFragment(defaults, begun), begun).ranges, []);
});

test('undo takes back what was set, but not what was typed on the way', () => {
  const seen = [];
  const store = new Store(defaultState(), (state) => seen.push(state.view));
  store.set({view: 'flame'});
  store.set({search: 'a'}, {push: false});
  store.set({metric: 'wall'});
  store.set({metric: 'wall'});
  assert.equal(store.back(), true);
  assert.deepEqual([store.state.metric, store.state.search, store.state.view], ['cpu', 'a', 'flame']);
  assert.equal(store.back(), true);
  assert.equal(store.state.view, 'summary');
  assert.equal(store.back(), false);
  assert.equal(seen.length, 5);
});

test('numbers are as in the reports', () => {
  assert.deepEqual([999, 1000, 1536, 1048576, 5e9].map(bytesText), ['999 B', '0.98 KiB', '1.50 KiB', '1.00 MiB', '4.66 GiB']);
  assert.deepEqual([12, 1500, 2.5e6, 1.25e9, 200e9, 4000e9].map(timeText), ['12 ns', '1.50 us', '2.50 ms', '1.25 s', '3 min 20 s', '1 h 06 min 40 s']);
  assert.deepEqual([0, 0.0001, 0.5, NaN].map(percentText), ['0.0%', '<0.1%', '50.0%', '-']);
});
