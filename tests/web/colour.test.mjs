// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {changeInks, contrast, costScheme, hexOfHsl, kindScheme, kChangeSteps, matchInk, moduleScheme, mutedInk, plainInk} from '../../report/web/view/colour.js';

// [name, module, kind]
const functionsOf = (...list) => ({
  count: list.length, name: (f) => list[f][0], module: (f) => list[f][1], kind: (f) => list[f][2] || 'native', isAllocator: (f) => list[f][0] === 'malloc',
});
const kKinds = ['native', 'inlined', 'kernel', 'jit', 'interpreter', 'marker', 'process'];
const kEverything = functionsOf(...Array.from({length: 400}, (_, i) => [`function_${i}`, `lib${i % 12}.so`, kKinds[i % 7]]), ['malloc', 'libc.so.6']);
const ones = (functions) => new Float64Array(functions.count).fill(1);

test('text is readable on each colour, in both themes', () => {
  for (const dark of [false, true]) {
    const inks = [...moduleScheme(kEverything, ones(kEverything), dark).inks, ...kindScheme(kEverything, ones(kEverything), dark).inks,
      ...costScheme(kEverything, ones(kEverything), dark, String).inks, ...changeInks(dark), plainInk(dark), matchInk(dark)];
    for (const ink of [...inks, ...inks.map((each) => mutedInk(each, dark))]) {
      assert.ok(contrast(ink.fill, ink.text) >= 4.5, `${ink.text} on ${ink.fill}, ${dark ? 'dark' : 'light'}: ${contrast(ink.fill, ink.text)}`);
    }
  }
});

test('a contrast is what WCAG says', () => {
  assert.equal(contrast('#ffffff', '#000000'), 21);
  assert.ok(Math.abs(contrast('#777777', '#ffffff') - 4.478) < 0.001);
  assert.equal(hexOfHsl(120, 100, 25), '#008000');
});

test('modules have a hue each, and the heaviest comes first in the legend', () => {
  const functions = functionsOf(['a', 'small.so'], ['b', 'large.so'], ['c', 'large.so'], ['d', '']);
  const scheme = moduleScheme(functions, Float64Array.of(1, 5, 5, 2), false);
  assert.deepEqual(scheme.legend.map(({label}) => label), ['large.so', '[unknown]', 'small.so', 'inlined, fainter']);
  assert.equal(new Set(scheme.legend.map(({ink}) => scheme.inks[ink].fill)).size, 4);
});

test('kernel and JIT code have colours of their own, whatever their module', () => {
  const functions = functionsOf(['a', 'x'], ['b', 'x', 'kernel'], ['c', 'x', 'jit']);
  const scheme = moduleScheme(functions, ones(functions), false);
  assert.deepEqual(scheme.legend.map(({label}) => label), ['x', 'inlined, fainter', 'kernel', 'JIT code']);
});

test('inlined frames are paler than others of their module', () => {
  const {inks, of, inlined} = moduleScheme(functionsOf(['same', 'x']), Float64Array.of(1), false);
  assert.ok(contrast(inks[inlined[0]].fill, '#000000') > contrast(inks[of[0]].fill, '#000000'));
});

test('a library that is collapsed has its colour', () => {
  const {inks, of} = moduleScheme(functionsOf(['same', 'x'], ['same', 'x', 'marker'], ['same', '', 'marker']), ones({count: 3}), false);
  assert.equal(inks[of[0]].fill, inks[of[1]].fill);
  assert.notEqual(inks[of[0]].fill, inks[of[2]].fill);
});

test('allocators are a kind, in the legend only where there are some', () => {
  const labels = (functions) => kindScheme(functions, ones(functions), false).legend.map(({label}) => label);
  assert.deepEqual(labels(functionsOf(['malloc', 'libc'], ['main', 'a'])), ['user code', 'allocator']);
  assert.deepEqual(labels(functionsOf(['main', 'a'])), ['user code']);
});

test('the costliest function has the last colour, one without cost the first', () => {
  const functions = functionsOf(['a', 'x'], ['b', 'x'], ['c', 'x']);
  const {of, inks} = costScheme(functions, Float64Array.of(0, 25, 100), false, String);
  assert.deepEqual([of[0], of[1], of[2]], [0, (inks.length - 1) / 2, inks.length - 1]);
});

test('no change is grey, growth is red and shrinking blue, stronger with significance', () => {
  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const spread = (hex) => Math.max(...channels(hex)) - Math.min(...channels(hex));
  for (const dark of [false, true]) {
    const fills = changeInks(dark).map(({fill}) => fill);
    assert.ok(spread(fills[kChangeSteps]) < 16);
    for (let step = 1; step <= kChangeSteps; step++) {
      const [red, , blueInRed] = channels(fills[kChangeSteps + step]);
      const [redInBlue, , blue] = channels(fills[kChangeSteps - step]);
      assert.ok(red > blueInRed && blue > redInBlue);
      if (step > 1) assert.ok(spread(fills[kChangeSteps + step]) > spread(fills[kChangeSteps + step - 1]));
    }
  }
});
