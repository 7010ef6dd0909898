// SPDX-License-Identifier: Apache-2.0
// What the views of the heap, of leaks, of findings and of the quality make of a recording.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {findingAmount, functionNamed, gainText, metricOfFinding, placeLinks} from '../../report/web/view/finding_links.js';
import {heapPlaces, HeapNumbers, lifetimeLabel, pathsThrough, placesOfPaths, sizeLabel} from '../../report/web/view/heap_numbers.js';
import {amountText, hasVerdicts, holderText, leakRows, orderedRows, originText, leakPlaceText, sizeText, wantedRows} from '../../report/web/view/leak_rows.js';
import {worstMood} from '../../report/web/view/moods.js';
import {selfOfPaths} from '../../report/web/view/metrics.js';
import {qualityGroups} from '../../report/web/view/quality_view.js';
import {sampleRecording} from './sample.mjs';

const kAll = {from: -1, to: Infinity, process: -1, thread: -1};

function heapRecording() {
  return sampleRecording({
    threads: [{}, {name: 'worker', process: 1}], processes: [{}, {}],
    allocations: [
      {stack: 'main;load;std::vector<int>::push_back(int);operator new(unsigned long)@libstdc++.so.6', allocations: 100, bytes: 1600, freed: 90, freedBytes: 1440, temporary: 40,
        sizeClass: 5, lifetimes: [0, 10, 0, 30, 0, 0, 0, 0]},
      {stack: 'main;load', slice: 1, allocations: 2, bytes: 8192, sizeClass: 13},
      {stack: 'main;save;malloc@libc.so.6', slice: 2, thread: 1, allocations: 5, bytes: 500, freed: 5, freedBytes: 500, sizeClass: 7, lifetimes: [0, 0, 0, 0, 0, 0, 0, 5]},
    ],
    heapSlices: [{start: 0, length: 30e6, peak_bytes: 9000, peak_time: 15e6, live_bytes: 8352}],
  });
}

test('the heap in numbers, of all and of a selection', () => {
  const recording = heapRecording();
  const all = new HeapNumbers(recording, kAll, null);
  assert.deepEqual([all.allocations, all.allocatedBytes, all.deallocations, all.temporary, all.liveBlocks, all.liveBytes], [107, 10292, 95, 40, 12, 8352]);
  assert.equal(all.peakTime, 15e6);
  assert.deepEqual(all.sizes().filter(({allocations}) => allocations > 0), [{label: '16-31 B', allocations: 100, bytes: 1600},
    {label: '64-127 B', allocations: 5, bytes: 500}, {label: '4-8 KiB', allocations: 2, bytes: 8192}]);
  assert.equal(all.sizes().length, 9);  // from the smallest to the largest, without gaps
  assert.deepEqual(all.lived().filter(({blocks}) => blocks > 0), [{label: '< 1 ms', blocks: 50}, {label: '< 10 ms', blocks: 10},
    {label: '< 1 s', blocks: 30}, {label: 'longer', blocks: 5}, {label: 'still live', blocks: 12}]);
  assert.equal(new HeapNumbers(recording, {...kAll, process: 1}, null).allocations, 5);
  assert.equal(new HeapNumbers(recording, {...kAll, thread: 0}, null).allocations, 102);
  assert.equal(new HeapNumbers(recording, {...kAll, process: -2}, null).allocations, 0);  // of another recording's process
  assert.equal(new HeapNumbers(recording, {...kAll, from: 5e6, to: 10e6}, null).allocations, 50);
  const load = functionNamed(recording.functions, 'load', 'program');
  const through = new HeapNumbers(recording, kAll, pathsThrough(recording.paths, load));
  assert.deepEqual([through.allocations, through.liveBlocks], [102, 12]);
  assert.deepEqual(new HeapNumbers(recording, {...kAll, from: 50e6}, null).sizes(), []);
});

test('what the program mapped itself is no part of the heap', () => {
  const recording = sampleRecording({allocations: [{stack: 'main', allocations: 1, bytes: 10, sizeClass: 4}, {stack: 'main', allocations: 1, bytes: 1 << 20, sizeClass: 21, kind: 1}]});
  const all = new HeapNumbers(recording, kAll, null);
  assert.deepEqual([all.allocations, all.allocatedBytes, all.liveBytes], [1, 10, 10]);
  assert.deepEqual(all.sizes().map(({label}) => label), ['8-15 B']);
});

test('places are outside of libraries, with what they call', () => {
  const recording = heapRecording();
  const name = (f) => (f < 0 ? '' : recording.functions.name(f));
  const places = (of, metric, wanted = 10) =>
    heapPlaces(of.paths, selfOfPaths(of, metric, kAll).value, null, placesOfPaths(of.functions, of.paths), wanted);
  assert.deepEqual(places(recording, 'allocated').first.map(({func, call, value}) => [name(func), name(call), value]),
      [['load', '', 9792], ['save', 'malloc', 500]]);
  assert.deepEqual(places(recording, 'allocations').first.map(({func, call, value}) => [name(func), name(call), value]),
      [['load', 'std::vector<int>::push_back(int)', 102], ['save', 'malloc', 5]]);
  const all = sampleRecording({allocations: [{stack: 'malloc@libc.so.6', allocations: 1, bytes: 3}]});
  const {first: [most, ...more], count, total} = places(recording, 'allocated', 1);
  assert.deepEqual([most.value, more.length, count, total], [9792, 0, 2, 10292]);
  assert.equal(places(all, 'allocated').first[0].value, 3);  // a stack of nothing but library code stands for itself
});

test('classes have the labels of the reports', () => {
  assert.deepEqual([0, 1, 2, 5, 9, 10, 11, 20, 21].map(sizeLabel), ['0 B', '1 B', '2-3 B', '16-31 B', '256-511 B', '512 B-1 KiB', '1-2 KiB', '512 KiB-1 MiB', '1-2 MiB']);
  assert.deepEqual([0, 3, 5, 6, 7].map(lifetimeLabel), ['< 1 ms', '< 1 s', '< 1 min', '< 10 min', 'longer']);
});

const kFrame = {function: 'open', module: 'program', file: '/src/open.c', line: 7, kind: 'native'};
const kNew = {function: 'operator new(unsigned long)', module: 'libstdc++.so.6', file: '', line: 0, kind: 'native'};
const site = (more) => ({verdict: 'definitely_lost', inherited: false, bytes: 100, blocks: 2, indirectly_lost_bytes: 0, indirectly_lost_blocks: 0, smallest_bytes: 50,
  largest_bytes: 50, first_ns: 1e9, last_ns: 2e9, threads: [{tid: 7, name: 'main'}], processes: [{pid: 7, program: 'p'}], holders: [], stack: [kNew, kFrame], path: [0], ...more});

function rowsOfLeaks() {
  return leakRows({
    leak_sites: [site({}), site({bytes: 10, indirectly_lost_bytes: 500, stack: [{...kFrame, function: 'parse', file: '/src/parse.c', line: 3}], first_ns: 5e9, last_ns: 5e9}),
      site({verdict: 'still_reachable', bytes: 9000, largest_bytes: 8950, threads: [{tid: 8, name: 'w'}], processes: [{pid: 8, program: 'q'}], holders: [{kind: 'module_data', variable: 'table', module: '/bin/p'}]})],
    leak_suppressed_sites: [site({verdict: 'still_reachable', suppression: {name: 'dl', file: 'builtin', line: 1}})],
  });
}

test('a leak stands where the program allocated', () => {
  const rows = rowsOfLeaks();
  assert.deepEqual(rows.map(leakPlaceText), ['open.c:7', 'parse.c:3', 'open.c:7', 'open.c:7']);
  assert.deepEqual(rows.map(({group}) => group), ['definitely_lost', 'definitely_lost', 'still_reachable', 'suppressed']);
  assert.equal(leakPlaceText({site: site({stack: []}), group: '', place: 0}), '[no stack]');
});

test('leaks are chosen by verdict, process, thread, range and search', () => {
  const rows = rowsOfLeaks();
  const any = {groups: new Set(rows.map(({group}) => group)), test: null, pid: 0, tid: 0, range: null};
  const count = (more) => wantedRows(rows, {...any, ...more}).length;
  assert.equal(count({}), 4);
  assert.equal(count({groups: new Set(['definitely_lost'])}), 2);
  assert.equal(count({pid: 8}), 1);
  assert.equal(count({tid: 7}), 3);
  assert.equal(count({range: {from: 3e9, to: 9e9}}), 1);
  assert.equal(count({range: {from: 2e9, to: 3e9}}), 3);
  assert.equal(count({test: (text) => /parse/.test(text)}), 1);
  assert.equal(count({test: (text) => /table/.test(text)}), 1);  // by who holds it
});

test('leaks are ordered by what is lost with them, or as asked for', () => {
  const bytes = (key, descending) => orderedRows(rowsOfLeaks(), key, descending).map((row) => row.site.bytes);
  assert.deepEqual(bytes('bytes', true), [9000, 10, 100, 100]);
  assert.deepEqual(bytes('bytes', false), [100, 100, 10, 9000]);
  assert.deepEqual(bytes('verdict', true), [10, 100, 9000, 100]);
  assert.deepEqual(bytes('place', true).at(-1), 10);
  assert.deepEqual(bytes('first', false)[0], 10);
});

test('leaks in words', () => {
  assert.equal(amountText({bytes: 2048, blocks: 1}), '2.00 KiB in 1 block');
  assert.equal(sizeText(site({})), '50 B each');
  assert.equal(sizeText(site({largest_bytes: 70})), '50 B to 70 B');
  assert.equal(originText(site({}), 4e9), 'allocated from 1.00 s to 2.00 s; the oldest was held for 3.00 s');
  assert.equal(originText(site({first_ns: -1, last_ns: -1}), 4e9).split(';')[0], 'allocated at the start');
  assert.equal(holderText({kind: 'module_data', module: '/usr/bin/p', offset: 255, variable: '', bytes: 1, blocks: 1}), 'p+0xff');
  assert.equal(holderText({kind: 'module_data', module: '/usr/bin/p', variable: 'table', offset_in_variable: 8, bytes: 1, blocks: 1}), 'variable table+0x8 of p');
  assert.equal(holderText({kind: 'stack', thread: {tid: 5, name: 'w'}, bytes: 1, blocks: 1}), 'the stack of thread w [5]');
  assert.equal(holderText({kind: 'block', stack: [kNew, kFrame], bytes: 1, blocks: 1}), 'a block allocated by open at open.c:7');
  assert.equal(holderText({kind: 'none', bytes: 1, blocks: 1}), 'nothing');
});

test('a finding leads to its function in its metric', () => {
  const recording = sampleRecording({samples: [{stack: 'main;work', ms: 5}, {stack: 'main;read', ms: 5, waiting: 1}], allocations: [{stack: 'main', allocations: 1, bytes: 1}]});
  const finding = {id: 'cpu.function', title: 'work', gain: 'time', win: 0.342, share: 0.4, amount: 2e9, unit: 'ns', samples: 10, confidence: 'sure', why: '', try: '', places: [], hints: []};
  const place = {amount: 1, call: '', matter: '', try: '', path: [{function: 'work', module: 'program', file: '', line: 0}]};
  const work = functionNamed(recording.functions, 'work', 'program');
  const [flame, callers, source] = placeLinks(finding, place, recording);
  assert.deepEqual([flame.state.view, flame.state.metric, flame.state.transforms], ['flame', 'cpu', [{type: 'focus-function', func: work}]]);
  assert.deepEqual([callers.state.view, callers.state.func, source.state.view], ['sandwich', work, 'source']);
  assert.deepEqual(placeLinks(finding, {...place, path: []}, recording), []);
  assert.equal(placeLinks({...finding, id: 'leak'}, place, recording)[0].state.view, 'leaks');
  assert.deepEqual(['wait.lock', 'cpu.allocation', 'memory.peak', 'heap.allocations', 'memory.growth', 'leak'].map((id) => metricOfFinding({...finding, id}, recording)),
      ['wall', 'cpu', 'peak', 'allocations', 'live', 'cpu']);  // there are no leaks here
  assert.equal(gainText(finding), 'up to 34.2% of the time');
  assert.equal(findingAmount(finding), '2.00 s of CPU time, 40.0% of all');
  assert.equal(findingAmount({...finding, id: 'leak', gain: 'memory', unit: 'bytes', amount: 2048}), '2.00 KiB');
});

test('quality lines go on under their label', () => {
  const lines = [{label: 'clock', text: 'a', mood: 'good'}, {label: 'symbols', text: 'b', mood: 'note'}, {label: '', text: 'try: c', mood: 'bad'}];
  assert.deepEqual(qualityGroups(lines).map(({label, lines: of}) => [label, of.length]), [['clock', 1], ['symbols', 2]]);
  assert.equal(worstMood(lines), 'bad');
  assert.equal(worstMood([]), 'plain');
});

test('a process that nobody looked at has no verdict, not no leaks', () => {
  assert.equal(hasVerdicts({leak_checks: []}), false);
  assert.equal(hasVerdicts({leak_checks: [{problem: 'another tracer', blocks: 0}]}), false);
  assert.equal(hasVerdicts({leak_checks: [{problem: 'it ended', blocks: 3}]}), true);
  assert.equal(hasVerdicts({leak_checks: [{problem: '', blocks: 0}]}), true);
});
