// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {crumbsOf} from '../../report/web/view/breadcrumbs.js';
import {frameMenuItems, stackText} from '../../report/web/view/frame_menu.js';
import {Model} from '../../report/web/view/model.js';
import {defaultState, Store} from '../../report/web/view/state.js';
import {sampleRecording} from './sample.mjs';

const kViews = ['flame', 'functions', 'sandwich'];

function made(view = 'flame') {
  const recording = sampleRecording({samples: [{stack: 'main;work;parse@libjson.so', ms: 5}, {stack: 'main;idle', ms: 3}]});
  const model = new Model([recording], recording.functions, recording.paths);
  const store = new Store({...defaultState(), view});
  const context = {model, store, functions: model.functions, views: kViews, announce() {}};
  const f = (name) => model.functions.list.findIndex((each) => each.name === name);
  const choose = (frame, text) => frameMenuItems(context, frame).find((each) => each && each.text.startsWith(text));
  return {context, model, store, f, choose};
}
const enabled = (items) => items.filter((each) => each && !each.disabled).map((each) => each.text);

test('each change is a transform, and undone in one step', () => {
  const {choose, f, model, store} = made();
  const path = ['main', 'work', 'parse'].map(f);
  const frame = {func: f('parse'), path};
  const expected = [
    ['Focus on function', {type: 'focus-function', func: f('parse')}, 5e6],
    ['Focus on this subtree', {type: 'focus-subtree', path}, 5e6],
    ['Merge into callers', {type: 'merge-function', func: f('parse')}, 8e6],
    ['Drop all stacks with it', {type: 'drop-function', func: f('parse')}, 3e6],
    ['Drop this subtree', {type: 'drop-subtree', path}, 3e6],
    ['Collapse its recursion', {type: 'collapse-recursion', func: f('parse')}, 8e6],
    ['Collapse all direct recursion', {type: 'collapse-direct-recursion'}, 8e6],
    ['Collapse library libjson.so', {type: 'collapse-library', func: model.libraries.get('libjson.so')}, 8e6],
  ];
  for (const [text, transform, total] of expected) {
    choose(frame, text).action();
    assert.deepEqual(store.state.transforms, [transform]);
    assert.equal(model.total(store.state), total);
    store.back();
    assert.deepEqual(store.state.transforms, []);
  }
});

test('a function is shown in the other views that there are', () => {
  const {choose, context, f, store} = made();
  const shows = enabled(frameMenuItems(context, {func: f('work'), path: [f('main'), f('work')]})).filter((text) => text.startsWith('Show'));
  assert.deepEqual(shows, ['Show callers and callees', 'Show in function table']);
  choose({func: f('work')}, 'Show callers').action();
  assert.equal(store.state.view, 'sandwich');
  assert.equal(store.state.func, f('work'));
});

test('the root and threads are no functions: they can be copied, and nothing is dropped', () => {
  const {context, model} = made();
  for (const func of [-1, model.threadFunctions[0][0]]) {
    assert.deepEqual(enabled(frameMenuItems(context, {func, path: []})), ['Collapse all direct recursion', 'Copy name']);
  }
});

test('without a path from the root there are no subtrees', () => {
  const {context, f} = made();
  const texts = enabled(frameMenuItems(context, {func: f('work'), stack: [f('main'), f('work')]}));
  assert.ok(!texts.some((text) => text.includes('subtree')));
  assert.ok(texts.includes('Copy stack'));
});

test('a stack is copied leaf first, with modules and lines', () => {
  const {f, model} = made();
  assert.equal(stackText(model.functions, ['main', 'work', 'parse'].map(f)),
    'parse (libjson.so, /src/parse.c:21)\nwork (program, /src/work.c:11)\nmain (program, /src/main.c:1)\n');
});

test('what is shown is a row of breadcrumbs, each of which can be taken away', () => {
  const {f, model} = made();
  const state = {
    ...defaultState(), ranges: [{from: 0, to: 9e6}, {from: 1e6, to: 5e6}], process: 0, thread: 0, search: 'w.rk', zoom: [f('main')],
    transforms: [{type: 'drop-function', func: f('idle')}, {type: 'focus-function', func: f('work')}],
  };
  const crumbs = crumbsOf(state, model.functions, model.recordings[0]);
  assert.deepEqual(crumbs.map(({kind, text}) => `${kind}: ${text}`), ['range: 0 ns – 9.00 ms', 'range: 1.00 ms – 5.00 ms',
    `process: ${model.recordings[0].processName(0)}`, `thread: ${model.recordings[0].threadName(0)}`, 'transform: without idle',
    'transform: only work', 'zoom: main', 'search: w.rk']);
  assert.deepEqual(crumbs[0].without, {ranges: [{from: 1e6, to: 5e6}]});
  assert.deepEqual(crumbs[0].upTo, {ranges: [{from: 0, to: 9e6}]});
  assert.deepEqual(crumbs[4].without.transforms, [state.transforms[1]]);
  const rest = crumbs.reduceRight((left, {without}) => ({...left, ...without}), state);
  assert.deepEqual({...rest, ranges: [], transforms: []}, {...defaultState()});
  assert.deepEqual(crumbsOf(defaultState(), model.functions, model.recordings[0]), []);
});
