// SPDX-License-Identifier: Apache-2.0
// The order of rows, the window of a table, text that is copied.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {orderRows, ranksOf} from '../../report/web/view/row_order.js';
import {findByName, rowForKey, rowsInSight, scrollToShow} from '../../report/web/view/table_window.js';
import {csvText, tabbedText} from '../../report/web/view/table_text.js';

const all = (values) => Uint32Array.from(values, (_, i) => i);

test('rows are ordered by value, and equal ones keep their order both ways', () => {
  const values = Float64Array.from([3, 1, 2, 3, 1]);
  assert.deepEqual([...orderRows(all(values), values, false)], [1, 4, 2, 0, 3]);
  assert.deepEqual([...orderRows(all(values), values, true)], [0, 3, 2, 1, 4]);
});

test('the order is that of a sort with a comparison, of negative, fractional and huge values as well', () => {
  let seed = 1;
  const random = () => (seed = seed * 48271 % 2147483647) / 2147483647;
  const values = Float64Array.from({length: 5000}, (_, i) => [random() - 0.5, Math.floor(random() * 4), random() * 2 ** 52, -(2 ** 40) * random(), 0][i % 5]);
  for (const descending of [false, true]) {
    const expected = [...all(values)].sort((a, b) => (descending ? values[b] - values[a] : values[a] - values[b]) || a - b);
    assert.deepEqual([...orderRows(all(values), values, descending)], expected);
  }
});

test('some rows of many are ordered', () => {
  const values = Float64Array.from([5, 4, 3, 2, 1]);
  assert.deepEqual([...orderRows(Uint32Array.of(0, 2, 4), values, false)], [4, 2, 0]);
  assert.deepEqual([...orderRows(new Uint32Array(0), values, false)], []);
});

test('texts rank as they sort, letters of both cases as one', () => {
  assert.deepEqual([...ranksOf(['b', 'a', 'B', ''])], [2, 1, 2, 0]);
});

test('rows in sight are those of the window and a few around it', () => {
  assert.deepEqual(rowsInSight(0, 240, 24, 200000), {first: 0, end: 16});
  assert.deepEqual(rowsInSight(2400, 240, 24, 200000), {first: 94, end: 116});
  assert.deepEqual(rowsInSight(2400, 240, 24, 105), {first: 94, end: 105});
  assert.deepEqual(rowsInSight(99999, 240, 24, 3), {first: 3, end: 3});
  assert.deepEqual(rowsInSight(0, 240, 24, 0), {first: 0, end: 0});
});

test('a row is brought into sight by the shortest scroll', () => {
  assert.equal(scrollToShow(5, 0, 240, 24), 0);
  assert.equal(scrollToShow(10, 0, 240, 24), 24);
  assert.equal(scrollToShow(3, 240, 240, 24), 72);
  assert.equal(scrollToShow(1000, 240, 240, 24), 23880);  // far away: to the middle
  assert.equal(scrollToShow(1, 24000, 240, 24), 0);
});

test('keys lead to rows within the table', () => {
  assert.equal(rowForKey('ArrowDown', 9, 10, 5), 9);
  assert.equal(rowForKey('PageUp', 3, 10, 5), 0);
  assert.equal(rowForKey('PageDown', 3, 10, 5), 8);
  assert.equal(rowForKey('End', 3, 10, 5), 9);
  assert.equal(rowForKey('Home', 3, 10, 5), 0);
  assert.equal(rowForKey('q', 3, 10, 5), -1);
});

test('typing finds a beginning before a middle, from a row on and around the end', () => {
  const names = ['remap', 'std::map::at', 'Map', 'other'];
  const find = (text, from) => findByName(text, from, names.length, (row) => names[row]);
  assert.equal(find('map', 0), 1);
  assert.equal(find('map', 2), 2);
  assert.equal(find('map', 3), 1);
  assert.equal(find('emap', 3), 0);
  assert.equal(find('nothing', 0), -1);
});

test('a file of comma-separated values quotes what needs it and runs nothing', () => {
  assert.equal(csvText([['a,b', 'c"d', 'plain'], ['=1+1', '-5', '-x']]), '"a,b","c""d",plain\r\n\'=1+1,-5,\'-x\r\n');
});

test('text for the clipboard has one line a row, one tab a column', () => {
  assert.equal(tabbedText([['a\tb', 'c\nd'], ['@x', '1']]), "a b\tc d\n'@x\t1\n");
});
