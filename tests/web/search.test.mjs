// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {compileSearch, matchedFunctions, matchedValue} from '../../report/web/view/search.js';

const kNames = ['all', 'main', 'parse', 'parse_number', 'Draw', 'draw(Canvas&)'];
const functions = {count: kNames.length, name: (f) => kNames[f]};
const found = (text) => kNames.filter((_, f) => matchedFunctions(functions, compileSearch(text))[f]);

test('a search is a regular expression, without case until a capital is typed', () => {
  assert.deepEqual(found('^parse$'), ['parse']);
  assert.deepEqual(found('parse|main'), ['main', 'parse', 'parse_number']);
  assert.deepEqual(found('draw'), ['Draw', 'draw(Canvas&)']);
  assert.deepEqual(found('Draw'), ['Draw']);
});

test('what is no regular expression is searched for as it stands, and told', () => {
  assert.equal(compileSearch('draw(').literal, true);
  assert.deepEqual(found('draw('), ['draw(Canvas&)']);
  assert.equal(compileSearch('draw').literal, false);
  assert.equal(compileSearch(''), null);
});

test('a match below a match counts once', () => {
  // all > main(1) > parse(10) > parse_number(100); all > main > Draw(1000)
  const paths = {count: 5, parent: Int32Array.of(-1, 0, 1, 2, 1), func: Int32Array.of(0, 1, 2, 3, 4)};
  const value = (text) => matchedValue(paths, Float64Array.of(0, 1, 10, 100, 1000), matchedFunctions(functions, compileSearch(text)));
  assert.equal(value('parse'), 110);
  assert.equal(value('parse_number'), 100);
  assert.equal(value('main|parse|draw'), 1111);
  assert.equal(value('^nothing'), 0);
});
