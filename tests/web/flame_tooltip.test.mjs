// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {differenceTree} from '../../report/web/view/comparison.js';
import {findNode, FlameLayout} from '../../report/web/view/flame_layout.js';
import {frameName, frameSentence} from '../../report/web/view/flame_tooltip.js';
import {Functions} from '../../report/web/view/functions.js';
import {Model} from '../../report/web/view/model.js';
import {Paths} from '../../report/web/view/paths.js';
import {defaultState} from '../../report/web/view/state.js';
import {sampleRecording} from './sample.mjs';

function modelOf(...recordings) {
  const [functions, paths] = [new Functions(), new Paths()];
  return new Model(recordings.map((samples) => sampleRecording({samples}, functions, paths)), functions, paths);
}
function shownOf(model, tree, width = 1000) {
  const layout = new FlameLayout(tree, {zoom: 0, width}).extend();
  return {context: {model, functions: model.functions}, state: defaultState(), layout, which: 0};
}
const indexOf = ({context: {functions}, layout}, ...names) =>
  layout.indexOf(findNode(layout.tree, names.map((name) => functions.list.findIndex((each) => each.name === name))));

test('a frame is told by its name, share, value and module', () => {
  const model = modelOf([{stack: 'main;parse@libjson.so', ms: 250}, {stack: 'main', ms: 750}]);
  const shown = shownOf(model, model.tree(defaultState()));
  assert.equal(frameSentence(shown, indexOf(shown, 'main', 'parse')), 'parse, 25.0%, 250 ms, libjson.so');
  assert.equal(frameSentence(shown, 0), 'all: 1.00 s');
});

test('a stub is told by how many frames it stands for, and their value', () => {
  const model = modelOf([{stack: 'main', ms: 996}, ...['a', 'b', 'c', 'd'].map((name) => ({stack: `main;${name}`, ms: 1}))]);
  const shown = shownOf(model, model.tree(defaultState()), 400);
  const stub = shown.layout.count - 1;
  assert.equal(frameName(shown, stub), '4 narrower frames');
  assert.equal(frameSentence(shown, stub), '4 narrower frames, 0.4%, 4.00 ms');
});

test('a change is told, and whether it may be chance', () => {
  const model = modelOf([{stack: 'main;steady', ms: 5000}, {stack: 'main;gone', ms: 3000}, {stack: 'main;less', ms: 2000}],
    [{stack: 'main;steady', ms: 5010}, {stack: 'main;fresh', ms: 3990}, {stack: 'main;less', ms: 1000}]);
  const shown = shownOf(model, differenceTree(model, defaultState()));
  const told = (name) => frameSentence(shown, indexOf(shown, 'main', name)).split(', ').slice(3, -1).join(', ');
  assert.equal(told('gone'), 'vanished');
  assert.equal(told('fresh'), 'new');
  assert.equal(told('less'), '-1.00 s (-50.0%)');
  assert.equal(told('steady'), '+10.0 ms (+0.2%), may be chance or is little');
});
