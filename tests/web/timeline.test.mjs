// SPDX-License-Identifier: Apache-2.0
// The timeline's numbers: states of threads, bins, memory, processes, ticks, marks.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {LibraryCode, qualifiedName} from '../../report/web/view/code_place.js';
import {heapSeries, mostPerBin, residentSeries, valueAt} from '../../report/web/view/memory_series.js';
import {exitMood, processRows} from '../../report/web/view/process_rows.js';
import {regionBins, regionExtent, shownRegions} from '../../report/web/view/region_lanes.js';
import {StateFinder, kThreadStates, waitOfName} from '../../report/web/view/thread_states.js';
import {clampRange, kShortestRange, moveRange, tickText, timeTicks, zoomRange} from '../../report/web/view/time_scale.js';
import {TimelineCells} from '../../report/web/view/timeline_cells.js';
import {layOutTimeline, orderedThreads, rowAt} from '../../report/web/view/timeline_layout.js';
import {groupMarks, timelineMarks} from '../../report/web/view/timeline_marks.js';
import {defaultState} from '../../report/web/view/state.js';
import {sampleRecording} from './sample.mjs';

const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9 * Math.max(1, Math.abs(expected)), `${actual} is not ${expected}`);
const stateNamed = (name) => kThreadStates.findIndex((each) => each.name === name);
const cellsOf = (recording) => new TimelineCells(recording, recording.functions, recording.paths);

test('a name loses its return type, parameters and version', () => {
  assert.equal(qualifiedName('void std::vector<int, A<int>>::push_back(int const&)'), 'std::vector<int, A<int>>::push_back');
  assert.equal(qualifiedName('read@@GLIBC_2.2.5'), 'read');
  assert.equal(qualifiedName('operator new[](unsigned long)'), 'operator new[]');
  assert.equal(qualifiedName('bool operator<(A const&, B const&)'), 'operator<');
  assert.equal(qualifiedName('Work::operator()(int) const'), 'Work::operator()');
  assert.equal(qualifiedName('(anonymous namespace)::parse(char*)'), '(anonymous namespace)::parse');
  assert.equal(qualifiedName('main'), 'main');
});

test('a place is the innermost code of no library', () => {
  const recording = sampleRecording({samples: [{stack: 'main;load;std::vector<int>::push_back(int);operator new(unsigned long)@libstdc++.so.6', ms: 1}]});
  const library = new LibraryCode(recording.functions);
  const stack = recording.paths.stackOf(recording.pathOfStack[recording.samples.stack[0]]);
  assert.equal(recording.functions.name(stack[library.placeIn(stack)]), 'load');
  assert.equal(library.placeIn(stack.slice(2)), 1);
  assert.equal(library.placeIn([]), -1);
});

test('what a thread waits for is told by the outermost library function that says so', () => {
  const stacks = {
    'main;std::mutex::lock();pthread_mutex_lock@libc.so.6;__lll_lock_wait@libc.so.6': 'lock',
    'main;getaddrinfo@libc.so.6;poll@libc.so.6': 'input',
    'main;serve;epoll_wait@libc.so.6': 'sleep',
    'main;std::condition_variable::wait(x);pthread_cond_wait@libc.so.6;[futex]': 'condition',
    'main;pthread_join@libc.so.6': 'join',
    'main;save;fsync@libc.so.6': 'disk',
    'main;[waiting for a CPU]': 'ready',
    'main;read;work': 'waiting',
  };
  const recording = sampleRecording({samples: Object.keys(stacks).map((stack) => ({stack, ms: 1, waiting: 1}))});
  const finder = new StateFinder(recording.functions, recording.paths);
  Object.values(stacks).forEach((name, i) => assert.equal(kThreadStates[finder.waiting(recording.pathOfStack[recording.samples.stack[i]])].name, name));
  assert.equal(waitOfName('reader'), -1);
});

test('a slice is spread over its bins, and a zoom level is of the visible part alone', () => {
  const recording = sampleRecording({samples: [{stack: 'main', ms: 10, slice: 0}, {stack: 'main', ms: 5, slice: 1}, {stack: 'main;work', ms: 5, slice: 3}]});
  const cells = cellsOf(recording);
  assert.equal(cells.count, 3);
  near(cells.cpuOf(0), 20e6);
  const laneOf = Int32Array.of(0);
  const whole = cells.bin({from: 0, to: 40e6}, 4, laneOf, 1);
  assert.deepEqual([0, 1, 2, 3].map((bin) => whole.cpu(0, bin)), [1, 0.5, 0, 0.5]);
  const odd = cells.bin({from: 0, to: 40e6}, 3, laneOf, 1);
  near([0, 1, 2].reduce((sum, bin) => sum + odd.cpu(0, bin) * odd.perBin, 0), 20e6);
  const zoomed = cells.bin({from: 5e6, to: 15e6}, 10, laneOf, 1);
  assert.deepEqual(Array.from({length: 10}, (_, bin) => Math.round(10 * zoomed.cpu(0, bin)) / 10), [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5]);
  near(cells.bin({from: 0, to: 40e6}, 4, Int32Array.of(-1), 1).cpu(0, 0), 0);
});

test('what a thread waited is spread over the time since that was told last', () => {
  const wait = stateNamed('sleep');
  const recording = sampleRecording({samples: [
    {stack: 'main;poll@libc.so.6', ms: 100, slice: 9, waiting: 1}, {stack: 'main;poll@libc.so.6', ms: 50, slice: 19, waiting: 1}, {stack: 'main', ms: 10, slice: 19},
    {stack: 'main;poll@libc.so.6', ms: 60, slice: 79, waiting: 1}]});
  const bins = cellsOf(recording).bin({from: 0, to: 800e6}, 8, Int32Array.of(0), 1);
  near(bins.part(0, wait, 0), 1);    // from the thread's start
  near(bins.part(0, wait, 1), 0.5);  // since the first was told
  near(bins.cpu(0, 1), 0.1);         // a thread ran where the slice says so
  near(bins.part(0, wait, 4), 0);    // nothing is told of longer ago
  near(bins.part(0, wait, 6), 0.3);
  near(bins.part(0, wait, 7), 0.3);
});

test('threads are rows by their CPU time; those beyond a dozen are one row, unless they are looked at', () => {
  const threads = Array.from({length: 20}, (_, i) => ({name: `t${i}`, process: i % 2}));
  const recording = sampleRecording({samples: threads.map((_, i) => ({stack: 'main', ms: i < 19 ? i + 1 : 0.5, thread: i})), threads, processes: [{}, {}]});
  const cells = cellsOf(recording);
  const state = defaultState();
  assert.deepEqual(orderedThreads(recording, cells, -1).slice(0, 3), [18, 17, 16]);
  assert.deepEqual(orderedThreads(recording, cells, 1).at(-1), 19);
  const layout = layOutTimeline(recording, cells, state);
  assert.equal(layout.rows.filter(({kind}) => kind === 'thread').length, 12);
  assert.equal(layout.rows.find(({kind}) => kind === 'more-threads').count, 8);
  assert.equal(layout.laneOf[19], 12);
  assert.ok(layOutTimeline(recording, cells, {...state, thread: 19}).rows.some(({kind, index}) => kind === 'thread' && index === 19));
  assert.equal(layOutTimeline(recording, cells, {...state, extra: {'timeline.threads': 'all'}}).rows.filter(({kind}) => kind === 'thread').length, 20);
  assert.deepEqual(layOutTimeline(recording, cells, {...state, extra: {'timeline.folded': '1'}}).rows.map(({kind}) => kind), ['cpu']);
  const second = layout.rows[1];
  assert.equal(rowAt(layout.rows, second.y + 1), second);
  assert.equal(rowAt(layout.rows, layout.height + 5), null);
});

test('the live heap of several processes is added up at each instant', () => {
  const recording = sampleRecording({
    processes: [{start_ns: 0, end_ns: 100}, {start_ns: 40, end_ns: 60}],
    heapSlices: [{start: 0, length: 20, peak_bytes: 1000, peak_time: 10, live_bytes: 500}, {process: 1, start: 0, length: 50, peak_bytes: 800, peak_time: 50, live_bytes: 800},
      {start: 90, length: 10, peak_bytes: 500, peak_time: 90, live_bytes: 0}],
  });
  const all = heapSeries(recording, -1);
  assert.equal(valueAt(all, 10), 1000);
  assert.equal(valueAt(all, 15), 750);
  assert.equal(valueAt(all, 30), 500);   // nothing happens between slices
  assert.equal(valueAt(all, 45), 900);   // a process's first slice begins with the process
  assert.equal(valueAt(all, 55), 1300);
  assert.equal(valueAt(all, 60), 500);   // it has ended
  assert.equal(valueAt(all, 95), 250);
  assert.equal(valueAt(heapSeries(recording, 1), 55), 800);
  const {most, peak} = mostPerBin(all, {from: 0, to: 100}, 4);
  assert.deepEqual([...most], [1000, 1300, 1300, 500]);
  assert.deepEqual(peak, {time: 50, bytes: 1300});
});

test('what is resident is linear between two looks, and gone with its process', () => {
  const recording = sampleRecording({processes: [{end_ns: 50}], memory: [{time: 10, rss: 100}, {time: 20, rss: 300}]});
  const series = residentSeries(recording, -1);
  assert.deepEqual([5, 10, 15, 40, 50].map((time) => valueAt(series, time)), [0, 100, 200, 300, 0]);
});

test('regions are rows with how many threads were in them', () => {
  const regions = ['load', 'parse', 'index', 'play'].map((name, i) => ({name, path: name, depth: i === 1 || i === 2 ? 1 : 0, wall_ns: [50, 40, 10, 30][i], calls: 1}));
  const recording = sampleRecording({
    samples: [{stack: 'main', ms: 10}], threads: [{}, {process: 1}], processes: [{}, {}], meta: {regions, duration_ns: 100},
    regionSpans: [{region: 0, start: 0, end: 50, busy: 50}, {region: 0, thread: 1, start: 25, end: 75, busy: 25}, {region: 3, start: 60, end: 90, busy: 30}],
  });
  const state = defaultState();
  assert.deepEqual(shownRegions(recording, 4), [0, 1, 2, 3]);
  assert.deepEqual(shownRegions(recording, 3), [0, 1, 3]);  // outer ones before inner ones
  assert.deepEqual([...regionBins(recording, 0, state, {from: 0, to: 100}, 4)], [1, 1.5, 0.5, 0]);
  assert.deepEqual([...regionBins(recording, 0, {...state, thread: 0}, {from: 0, to: 100}, 4)], [1, 1, 0, 0]);
  assert.deepEqual([...regionBins(recording, 0, {...state, process: 1}, {from: 50, to: 100}, 2)], [0.5, 0]);
  assert.deepEqual(regionExtent(recording, 0, state), {from: 0, to: 75});
  assert.deepEqual(regionExtent(recording, 0, {...state, thread: 1}), {from: 25, to: 75});
  assert.equal(regionExtent(recording, 1, state), null);
  const layout = layOutTimeline(recording, cellsOf(recording), state);
  assert.deepEqual(layout.rows.filter(({kind}) => kind === 'region').map(({index}) => index), [0, 1, 2, 3]);
  const many = sampleRecording({meta: {regions: Array.from({length: 20}, (_, i) => ({...regions[0], name: `r${i}`}))}});
  const rows = (extra) => layOutTimeline(many, cellsOf(many), {...state, extra}).rows;
  assert.equal(rows({}).filter(({kind}) => kind === 'region').length, 6);
  assert.equal(rows({}).find(({kind}) => kind === 'more-regions').count, 14);
  assert.equal(rows({'timeline.regions': 'all'}).filter(({kind}) => kind === 'region').length, 20);
});

test('processes stand below their parents in order of their start', () => {
  const recording = sampleRecording({processes: [{start_ns: 0, end_ns: 100}, {parent: 0, start_ns: 30, end_ns: 40}, {parent: 0, start_ns: 10, end_ns: 20}, {parent: 2, start_ns: 15, end_ns: 12}, {parent: 9, start_ns: 1}]});
  assert.deepEqual(processRows(recording).map(({process, depth}) => [process, depth]), [[0, 0], [2, 1], [3, 2], [1, 1], [4, 0]]);
  assert.equal(processRows(recording)[2].to, 15);
});

test('how a process ended is a mood of its own', () => {
  assert.deepEqual(['exited 0', 'exited 3', 'killed by signal 9 (SIGKILL)', 'replaced by exec', 'still running'].map((exit) => exitMood(exit).mood),
      ['good', 'bad', 'bad', 'plain', 'plain']);
});

test('ticks are round, and of one unit', () => {
  const axis = (from, to) => {
    const {step, times} = timeTicks({from, to}, 550);
    return times.map((time) => tickText(time, step, to));
  };
  assert.deepEqual(axis(0, 4e9), ['0', '1 s', '2 s', '3 s']);
  assert.deepEqual(axis(0.2e9, 1.2e9), ['0.2 s', '0.4 s', '0.6 s', '0.8 s', '1.0 s']);
  assert.deepEqual(axis(0, 40e6), ['0', '10 ms', '20 ms', '30 ms']);
  assert.deepEqual(axis(3.2e9, 3.21e9), ['3.200 s', '3.202 s', '3.204 s', '3.206 s', '3.208 s']);
  assert.deepEqual(axis(0, 600e9), ['0', '2 min', '4 min', '6 min', '8 min']);
  assert.deepEqual(axis(0, 4 * 3600e9), ['0', '1:00 h', '2:00 h', '3:00 h']);
  assert.deepEqual(axis(60e9, 150e9), ['1:00 min', '1:20 min', '1:40 min', '2:00 min', '2:20 min']);
});

test('a window stays inside, and is never empty', () => {
  const outer = {from: 0, to: 100e6};
  assert.deepEqual(clampRange({from: 60e6, to: -5}, outer), {from: 0, to: 60e6});
  assert.deepEqual(clampRange({from: 100e6, to: 100e6}, outer), {from: 100e6 - kShortestRange, to: 100e6});
  assert.deepEqual(zoomRange({from: 0, to: 100e6}, 50e6, 0.5, outer), {from: 25e6, to: 75e6});
  assert.deepEqual(zoomRange({from: 0, to: 10e6}, 0, 100, outer), outer);
  assert.deepEqual(moveRange({from: 80e6, to: 90e6}, 30e6, outer), {from: 90e6, to: 100e6});
  assert.deepEqual(moveRange({from: 10e6, to: 20e6}, -30e6, outer), {from: 0, to: 10e6});
});

test('marks that would stand on one another are one group', () => {
  const check = {process: 0, cause: 'exit', time_ns: 990e6, pause_ns: 2e6, blocks: 12, bytes: 100, problem: ''};
  const recording = sampleRecording({meta: {leak_checks: [check, {...check, time_ns: 10e6, cause: 'on_demand', problem: 'it ended'}]}});
  const marks = timelineMarks(recording, -1, {time: 995e6, bytes: 2048});
  assert.deepEqual(marks.map(({kind}) => kind), ['leak-check', 'leak-check', 'peak']);
  assert.match(marks[0].text, /on demand.*it ended/);
  assert.match(marks[2].text, /2\.00 KiB live at 995 ms/);
  const groups = groupMarks(marks, {from: 0, to: 1000e6}, 500);
  assert.deepEqual(groups.map((group) => group.marks.length), [1, 2]);
  assert.equal(groupMarks(marks, {from: 0, to: 20e6}, 500).length, 1);
  assert.equal(timelineMarks(recording, 1, {time: 0, bytes: 0}).length, 0);
});
