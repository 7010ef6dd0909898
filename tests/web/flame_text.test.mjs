// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {shorten, TextFitter} from '../../report/web/view/flame_text.js';

const kName = 'std::vector<std::pair<int, long> >::push_back(std::pair<int, long> const&) const';

test('a name loses its parameters first, then the insides of its templates, then its end', () => {
  assert.equal(shorten(kName, 100), kName);
  assert.equal(shorten(kName, 60), 'std::vector<std::pair<int, long> >::push_back(…) const');
  assert.equal(shorten(kName, 40), 'std::vector<…>::push_back(…) const');
  assert.equal(shorten(kName, 10), 'std::vect…');
});

test('a name is as long as its room, wide letters counted as wide', () => {
  let measured = 0;
  const fitter = new TextFitter((text) => {
    measured++;
    return [...text].reduce((sum, letter) => sum + (letter > '\u1000' ? 14 : 7), 0);
  });
  assert.equal(fitter.fit('abcdef', 42), 'abcdef');
  assert.equal(fitter.fit('abcdef', 41), 'abcd…');
  assert.equal(fitter.fit('漢字漢字', 56), '漢字漢字');
  assert.equal(fitter.fit('漢字漢字', 55), '漢字…');
  assert.equal(fitter.fit('abcdef', 20), '');
  assert.equal(fitter.fit('ab', 21), 'ab');
  const before = measured;
  for (let i = 0; i < 10; i++) fitter.fit('漢字漢字', 56);
  assert.equal(measured, before);
});
