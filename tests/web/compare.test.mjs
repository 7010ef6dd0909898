// SPDX-License-Identifier: Apache-2.0
// Differences of two recordings, and which of them are called changes.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {ChangeTest, functionChanges, sampleWeight} from '../../report/web/view/compare.js';
import {DifferenceTree} from '../../report/web/view/difference_tree.js';
import {FakeFunctions, FakeTree} from './fakes.mjs';

const kMetric = {name: 'cpu', heap: false};
const kWeight = sampleWeight(kMetric, {meta: {}}, 0, 0);
const side = (total, weight = kWeight) => ({total, weight});
const near = (actual, expected, part = 1e-3) => assert.ok(Math.abs(actual - expected) <= part * Math.abs(expected), `${actual} is not about ${expected}`);

// Normally distributed, and samples of a Poisson distribution (of means that are large enough for that).
function generator(seed) {
  const random = () => (seed = seed * 48271 % 2147483647) / 2147483647;
  const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  return (mean) => {
    if (mean > 50) return Math.max(0, Math.round(mean + normal() * Math.sqrt(mean)));
    let count = 0;
    for (let left = -Math.log(random()); left < mean; left -= Math.log(random())) count++;
    return count;
  };
}

test('sigma is that of the numbers of samples', () => {
  const absolute = new ChangeTest(side(1000), side(1000), false);
  const change = absolute.of(100, 10, 60, 6);  // 10 a sample: 4 samples less, of sqrt(10 + 6) = 4
  assert.equal(change.change, -40);
  near(change.sigma, 40);
});

test('with equal totals a change is one of shares, and what is everything cannot change', () => {
  const equal = new ChangeTest(side(1000), side(2000), true);
  assert.equal(equal.of(1000, 100, 2000, 200).change, 0);
  const change = equal.of(100, 10, 400, 40);
  assert.equal(change.newer, 200);
  assert.equal(change.change, 100);
  const absolute = new ChangeTest(side(1000), side(2000), false);
  assert.equal(absolute.of(1000, 100, 2000, 200).change, 1000);
  assert.ok(absolute.of(1000, 100, 2000, 200).chance < 1e-6);
});

test('a share of nearly everything varies by little', () => {
  const equal = new ChangeTest(side(1000), side(1000), true);
  const absolute = new ChangeTest(side(1000), side(1000), false);
  const [share, value] = [equal, absolute].map((each) => each.of(900, 900, 900, 900).sigma);
  near(share, value * Math.sqrt(0.1));
});

test('a vanished frame of few samples may be chance, one of many is none', () => {
  const changes = new ChangeTest(side(1000), side(1000), true);
  assert.ok(changes.of(4, 4, 0, 0).chance > 0.05);
  assert.ok(changes.of(30, 30, 0, 0).chance < 1e-4);
  near(changes.of(0, 0, 30, 30).chance, changes.of(30, 30, 0, 0).chance);
});

test('values of an exact heap have no noise', () => {
  const weight = sampleWeight({name: 'allocated', heap: true}, {meta: {heap: 'exact'}}, 100, 100);
  const exact = new ChangeTest(side(1e6, weight), side(1e6, weight), false);
  const change = exact.of(5000, 1, 7000, 1);
  assert.equal(change.sigma, 0);
  assert.equal(change.chance, 0);
  assert.ok(exact.matters(change));
  assert.ok(!exact.matters(exact.of(5000, 1, 5500, 1)));  // under 0.1 % of all
  assert.equal(exact.of(5000, 1, 5000, 1).chance, 1);
});

test('a sampled heap is as uncertain as its interval makes it', () => {
  const recording = {meta: {heap: 'sampled', heap_summary: {sample_bytes: 1000}}};
  const bytes = sampleWeight({name: 'allocated', heap: true}, recording, 1e6, 1e6);
  assert.equal(bytes(5000, 3), 1000);
  const blocks = sampleWeight({name: 'allocations', heap: true}, recording, 500, 1e6);
  assert.equal(blocks(5, 3), 0.5);
  assert.equal(sampleWeight({name: 'temporary', heap: true}, recording, 500, 1e6)(5, 3), 0.5);
});

test('of two recordings of the same program hardly anything is called a change', () => {
  const poisson = generator(7);
  let found = 0;
  let looked = 0;
  for (let run = 0; run < 40; run++) {
    const means = Array.from({length: 200}, (_, f) => 4000 / (f + 1));
    const counts = () => Float64Array.from(means, (mean) => poisson(mean));
    const [base, newer] = [counts(), counts()];
    const totals = (values) => ({self: values, total: values, count: values});
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const changes = functionChanges(new ChangeTest(side(sum(base)), side(sum(newer)), true), totals(base), totals(newer));
    found += changes.filter((row) => row.significant).length;
    looked += changes.length;
  }
  assert.ok(looked > 7000);
  assert.ok(found <= 8, `${found} of ${looked}`);  // at 2 sigma it would be 300
});

test('real changes among many frames are found, and told from noise', () => {
  const poisson = generator(11);
  const base = Float64Array.from({length: 100}, () => poisson(100));
  const newer = Float64Array.from({length: 100}, (_, f) => poisson(f < 10 ? 200 : 100));
  base[99] = 0;
  newer[98] = 0;
  const totals = (values) => ({self: values, total: values, count: values});
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const changes = functionChanges(new ChangeTest(side(sum(base)), side(sum(newer)), false), totals(base), totals(newer));
  const verdict = (f) => changes.find((row) => row.f === f).verdict;
  for (let f = 0; f < 10; f++) assert.equal(verdict(f), 'grown');
  assert.equal(verdict(98), 'vanished');
  assert.equal(verdict(99), 'new');
  assert.ok(changes.filter((row) => row.f >= 10 && row.f < 98 && row.significant).length <= 3);
});

test('the difference tree has the frames of both, each as wide as their mean', () => {
  const functions = new FakeFunctions();
  const base = new FakeTree(functions, 'main 0 0\n  same 400 400\n  gone 100 100\n    deep 100 100\n');
  const newer = new FakeTree(functions, 'main 0 0\n  same 400 400\n  fresh 200 200\n');
  const tree = new DifferenceTree(base, newer, new ChangeTest(side(base.total(0)), side(newer.total(0)), true));
  const [main] = tree.children(0);
  const named = Object.fromEntries(tree.children(main).map((n) => [functions.name(tree.func(n)), n]));
  assert.deepEqual(Object.keys(named), ['same', 'gone', 'fresh']);
  assert.deepEqual([tree.base(named.gone), tree.newer(named.gone), tree.change(named.gone), tree.total(named.gone)], [200, 0, -200, 100]);
  assert.deepEqual([tree.base(named.fresh), tree.newer(named.fresh), tree.change(named.fresh)], [0, 200, 200]);
  assert.equal(tree.total(0), tree.children(main).reduce((sum, n) => sum + tree.total(n), 0));
  assert.equal(tree.self(named.gone), 50);
  assert.equal(tree.count(named.gone), 200);
  assert.deepEqual([named.same, named.gone, named.fresh, main].map((n) => tree.significant(n)), [false, true, true, false]);
  const [deep] = tree.children(named.gone);
  assert.deepEqual(tree.pathOf(deep).map((f) => functions.name(f)), ['main', 'gone', 'deep']);
  assert.equal(tree.parent(deep), named.gone);
  assert.deepEqual([...tree.children(deep)], []);
});

test('frames that may differ by chance are not painted, though they differ by more than a little', () => {
  const functions = new FakeFunctions();
  const base = new FakeTree(functions, 'a 100 100\nb 110 110\nc 90 90\nd 100 100\n');
  const newer = new FakeTree(functions, 'a 110 110\nb 100 100\nc 100 100\nd 90 90\n');
  const tree = new DifferenceTree(base, newer, new ChangeTest(side(400), side(400), false));
  assert.ok(tree.children(0).every((n) => Math.abs(tree.change(n)) >= 4 && !tree.significant(n)));
});

test('with totals made equal the second recording is scaled', () => {
  const functions = new FakeFunctions();
  const base = new FakeTree(functions, 'a 10 10\nb 30 30\n');
  const newer = new FakeTree(functions, 'a 40 40\nb 40 40\n');
  const equal = new DifferenceTree(base, newer, new ChangeTest(side(40), side(80), true));
  const changes = (tree) => Object.fromEntries(tree.children(0).map((n) => [functions.name(tree.func(n)), tree.change(n)]));
  assert.deepEqual(changes(equal), {b: -10, a: 10});
  assert.deepEqual(changes(new DifferenceTree(base, newer, new ChangeTest(side(40), side(80), false))), {b: 10, a: 30});
});

test('an empty recording differs from another by everything', () => {
  const functions = new FakeFunctions();
  const base = new FakeTree(functions, '');
  const newer = new FakeTree(functions, 'a 40 40\n');
  const tree = new DifferenceTree(base, newer, new ChangeTest(side(0), side(40), true));
  const [a] = tree.children(0);
  assert.equal(tree.base(a), 0);
  assert.equal(tree.change(a), 40);
});
