// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {kChangeSteps} from '../../report/web/view/colour.js';
import {changeStep, inksOfFrames, vanishedFrames} from '../../report/web/view/flame_inks.js';
import {FlameLayout} from '../../report/web/view/flame_layout.js';
import {FakeTree} from './fake_tree.mjs';

const kQuiet = {active: false, test: () => false};
const kChooser = {inks: [{fill: '#ff0000', text: '#000000'}], index: () => 0};
const layOut = (nested, options) => {
  const tree = new FakeTree(nested);
  return new FlameLayout(tree, {zoom: 0, width: 100, ...options}).extend();
};
const fills = ({inks, ink}) => Array.from(ink, (each) => inks[each].fill);

test('the root and stubs are plain, frames have their own colour', () => {
  const layout = layOut([0, 0, [1, 50], ...Array.from({length: 200}, () => [2, 0.25])]);
  const found = fills(inksOfFrames(layout, kChooser, kQuiet, false));
  assert.equal(found.length, 3);
  assert.equal(found[1], '#ff0000');
  assert.equal(found[0], found[2]);
  assert.notEqual(found[0], '#ff0000');
});

test('a search paints its matches and mutes all else', () => {
  const layout = layOut([0, 0, [1, 30, [2, 60]]]);
  const quiet = fills(inksOfFrames(layout, kChooser, kQuiet, false));
  const [root, muted, match] = fills(inksOfFrames(layout, kChooser, {active: true, test: (f) => f === 2}, false));
  assert.ok(!quiet.includes(root) && !quiet.includes(muted) && !quiet.includes(match));
  assert.notEqual(match, muted);
});

test('what is above the zoomed frame is muted', () => {
  const tree = new FakeTree([0, 0, [1, 30, [2, 60]]]);
  const layout = new FlameLayout(tree, {zoom: 2, width: 100}).extend();
  const found = fills(inksOfFrames(layout, kChooser, kQuiet, false));
  assert.deepEqual(found.map((fill) => fill === '#ff0000'), [false, false, true]);
});

const change = (base, newer, sigma, significant = true) =>
  ({significant: () => significant, changeOf: () => ({base, newer, change: newer - base, sigma, chance: 0})});

test('a change is stronger the further it is from chance; noise has no colour', () => {
  assert.equal(changeStep(change(100, 160, 30, false), 0), 0);
  assert.equal(changeStep(change(100, 160, 30), 0), 2);
  assert.equal(changeStep(change(100, 220, 30), 0), 4);
  assert.equal(changeStep(change(220, 100, 30), 0), -4);
  assert.equal(changeStep(change(100, 1e9, 30), 0), kChangeSteps);
});

test('of exact values a change is as strong as its part of the value', () => {
  assert.equal(changeStep(change(0, 5000, 0), 0), kChangeSteps);
  assert.equal(changeStep(change(5000, 0, 0), 0), -kChangeSteps);
  assert.equal(changeStep(change(1000, 2000, 0), 0), kChangeSteps / 2);
});

test('only what the newer recording lacks is hatched', () => {
  const layout = layOut([0, 0, [1, 40], [2, 60]]);
  const newer = {0: 60, 1: 0, 2: 60};
  const tree = {newer: (n) => newer[n], base: () => 40};
  const names = Array.from(vanishedFrames(tree, layout), (each, at) => each ? layout.tree.func(layout.node[at]) : null);
  assert.deepEqual(names.filter((each) => each !== null), [1]);
});
