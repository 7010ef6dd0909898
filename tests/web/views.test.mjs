// SPDX-License-Identifier: Apache-2.0
// What tables show of recordings: callers and callees, lines, comparisons of two.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {orderChanges} from '../../report/web/view/change_table.js';
import {changesOfFunctions, changeTestOf, differenceTree, kAbsolute, kTotalsKey} from '../../report/web/view/comparison.js';
import {linesOfFunction} from '../../report/web/view/function_lines.js';
import {offeredFunctions} from '../../report/web/view/function_picker.js';
import {Functions} from '../../report/web/view/functions.js';
import {selfOfStacks} from '../../report/web/view/metrics.js';
import {Model} from '../../report/web/view/model.js';
import {pairModules} from '../../report/web/view/module_pairs.js';
import {Paths} from '../../report/web/view/paths.js';
import {calleesOf, callersOf, neighboursOf} from '../../report/web/view/sandwich_trees.js';
import {annotationOf, missingParts} from '../../report/web/view/source_view.js';
import {defaultState} from '../../report/web/view/state.js';
import {placeText, sortOf, sortText} from '../../report/web/view/table_cells.js';
import {sampleRecording} from './sample.mjs';

const kAll = {from: -1, to: Infinity, process: -1, thread: -1};

function modelOf(...descriptions) {
  const [functions, paths] = [new Functions(), new Paths()];
  return new Model(descriptions.map((each) => sampleRecording(each, functions, paths)), functions, paths);
}
const functionNamed = (model, name) => model.functions.list.findIndex((each) => each.name === name);
const stacks = (text) => ({samples: text.trim().split('\n').map((line) => {
  const [stack, ms] = line.trim().split(' ');
  return {stack, ms: Number(ms)};
})});

test('callers and callees of a function have parts of its total; a stack counts once', () => {
  const model = modelOf(stacks('main;work 1\n main;work;read 2\n main;other;work;read 4\n main;work;help;work;read 8'));
  const state = defaultState();
  const work = functionNamed(model, 'work');
  const named = (trees) => neighboursOf(trees).map(({f, values}) => [f < 0 ? '' : model.functions.name(f), values[0] / 1e6]);
  assert.deepEqual(named([callersOf(model, state, work, 0)]), [['main', 11], ['other', 4]]);
  assert.deepEqual(named([calleesOf(model, state, work, 0)]), [['help', 8], ['read', 6], ['', 1]]);
  assert.equal(model.functionTable(state).total[work] / 1e6, 15);
});

test('what a function calls is merged over all its callers, level by level', () => {
  const model = modelOf(stacks('a;work;read;copy 1\n b;work;read;copy 2\n b;work;read 4\n b;work;sort 8\n c;other 16'));
  const tree = calleesOf(model, defaultState(), functionNamed(model, 'work'), 0);
  const lines = (n, depth) => [...tree.children(n)].flatMap((child) =>
    [[depth, model.functions.name(tree.func(child)), tree.self(child) / 1e6, tree.total(child) / 1e6, tree.count(child)], ...lines(child, depth + 1)]);
  assert.deepEqual(lines(0, 0), [[0, 'work', 0, 15, 15], [1, 'sort', 8, 8, 8], [1, 'read', 4, 7, 7], [2, 'copy', 3, 3, 3]]);
  assert.equal(tree.total(0) / 1e6, 15);
  assert.deepEqual([...calleesOf(model, defaultState(), 9999, 0).children(0)], []);
});

test('what begins stacks has no caller', () => {
  const model = modelOf(stacks('main 1\n main;work 2'));
  const tree = callersOf(model, defaultState(), functionNamed(model, 'main'), 0);
  assert.deepEqual(neighboursOf([tree]).map(({f, values, counts}) => [f, values[0] / 1e6, counts[0]]), [[-1, 3, 3]]);
});

test('callers and callees of two recordings stand side by side', () => {
  const model = modelOf(stacks('a;work 1\n b;work 5'), stacks('a;work 4\n c;work 1'));
  const work = functionNamed(model, 'work');
  const rows = neighboursOf([0, 1].map((which) => callersOf(model, defaultState(), work, which)));
  assert.deepEqual(rows.map(({f, values}) => [model.functions.name(f), ...values.map((each) => each / 1e6)]), [['b', 5, 0], ['a', 1, 4], ['c', 0, 1]]);
});

test('a line of a function that calls itself counts once a stack', () => {
  const recording = sampleRecording(stacks('main;work 1\n main;work;work 2\n main;work;work;read 4'));
  const f = recording.functions.list.findIndex((each) => each.name === 'work');
  assert.deepEqual(linesOfFunction(recording, selfOfStacks(recording, 'cpu', kAll).value, f).map(({file, line, self, total}) => [file, line, self / 1e6, total / 1e6]), [['/src/work.c', 13, 3, 7]]);
});

test('a comparison under a state: by function and by frame, of equal totals or absolute', () => {
  const model = modelOf(stacks('main;same 400\n main;gone 100'), stacks('main;same 800\n main;fresh 200'));
  const state = {...defaultState(), compare: 'difference'};
  const verdicts = (choice) => Object.fromEntries(changesOfFunctions(model, choice).map(({f, verdict}) => [model.functions.name(f), verdict]));
  assert.equal(changeTestOf(model, state).scale, 0.5);
  assert.deepEqual(verdicts(state), {main: 'same', same: 'same', gone: 'vanished', fresh: 'new'});
  const absolute = {...state, extra: {[kTotalsKey]: kAbsolute}};
  assert.equal(changeTestOf(model, absolute).scale, 1);
  assert.deepEqual(verdicts(absolute), {main: 'grown', same: 'grown', gone: 'vanished', fresh: 'new'});
  for (const inverted of [false, true]) {
    const tree = differenceTree(model, {...state, inverted});
    assert.equal(tree.total(0), 500e6);
    assert.equal(differenceTree(model, {...state, inverted}), tree);
  }
});

test('changes stand before noise, if it is changes that are looked for', () => {
  const changes = [[0, false], [1, true], [2, true], [3, false]].map(([f, significant]) => ({f, significant}));
  const order = (noiseLast) => [...orderChanges(changes, [9, 5, 5, 7], [3, 2, 1, 0], {descending: true, noiseLast})];
  assert.deepEqual(order(true), [2, 1, 0, 3]);
  assert.deepEqual(order(false), [0, 3, 2, 1]);
});

test('exact heaps are compared without noise, whatever their number of blocks', () => {
  const heap = (bytes) => ({allocations: [{stack: 'main;make', allocations: 1, bytes: 100000}, {stack: 'main;grow', allocations: 1, bytes}], meta: {heap: 'exact'}});
  const model = modelOf(heap(1000), heap(1300));
  const state = {...defaultState(), metric: 'allocated', extra: {[kTotalsKey]: kAbsolute}};
  const grow = changesOfFunctions(model, state).find(({f}) => model.functions.name(f) === 'grow');
  assert.deepEqual([grow.total.change, grow.total.sigma, grow.verdict], [300, 0, 'grown']);
});

test('one program of two names, and libraries of two versions, are paired', () => {
  const pairs = (base, other, executables) => [...pairModules(new Set(base), new Set(other), executables)];
  assert.deepEqual(pairs(['server-1', 'libc.so.6'], ['server-2', 'libc.so.6'], ['server-1', 'server-2']), [['server-2', 'server-1']]);
  assert.deepEqual(pairs(['app', 'libz.so.1.2'], ['app', 'libz.so.1.3'], ['app', 'app']), [['libz.so.1.3', 'libz.so.1.2']]);
  assert.deepEqual(pairs(['app', 'libcrypto-1.1.so'], ['app', 'libcrypto-3.so'], ['app', 'app']), [['libcrypto-3.so', 'libcrypto-1.1.so']]);
  assert.deepEqual(pairs(['sh', 'a'], ['sh', 'b'], ['sh', 'sh']), []);
  assert.deepEqual(pairs(['liba.so.1', 'liba.so.2'], ['liba.so.3'], ['x', 'x']), []);
  assert.deepEqual(pairs(['liba.so.1'], ['liba.so.2', 'liba.so.3'], ['x', 'x']), []);
});

test('functions of a renamed program are those of the first recording', () => {
  const named = (name) => ({samples: [{stack: `main@${name};work@${name}`, ms: 5}], processes: [{executable: `/opt/${name}`}]});
  const model = modelOf(named('server-1'), named('server-2'));
  assert.equal(model.functions.list.filter((each) => each.name === 'work').length, 1);
  assert.deepEqual([...model.recordings[1].moduleNames], [['server-2', 'server-1']]);
});

test('the order of a table is read from the state, and back', () => {
  const columns = [{key: 'self', number: true, sortable: true}, {key: 'name', sortable: true}, {key: 'share', number: true}];
  assert.deepEqual(sortOf('', columns, 'self'), {key: 'self', descending: true});
  assert.deepEqual(sortOf('-self', columns, 'self'), {key: 'self', descending: false});
  assert.deepEqual(sortOf('name', columns, 'self'), {key: 'name', descending: false});
  assert.deepEqual(sortOf('share', columns, 'self'), {key: 'self', descending: true});
  assert.deepEqual(sortOf('-nothing', columns, 'name'), {key: 'name', descending: false});
  for (const [key, descending] of [['self', true], ['self', false], ['name', true], ['name', false]]) {
    assert.deepEqual(sortOf(sortText(key, descending, columns), columns, 'self'), {key, descending});
  }
});

test('functions are offered by words of their names, the heaviest first', () => {
  const model = modelOf(stacks('std::vector::push 1\n std::map::at 5\n vector_map 3'));
  const {total} = model.functionTable(defaultState());
  const offered = (text, most) => offeredFunctions(model.functions, total, text, most).map((f) => model.functions.name(f));
  assert.deepEqual(offered(''), ['std::map::at', 'vector_map', 'std::vector::push']);
  assert.deepEqual(offered('MAP'), ['std::map::at', 'vector_map']);
  assert.deepEqual(offered('vector std'), ['std::vector::push']);
  assert.deepEqual(offered('', 1), ['std::map::at']);
  assert.deepEqual(offered('nowhere'), []);
});

test('an annotation is the one of the module and, if there is a choice, of the metric', () => {
  const model = modelOf(stacks('work@lib.so 1'));
  const f = functionNamed(model, 'work');
  const of = (...annotations) => annotationOf({meta: {annotations}}, model.functions, f, 'cpu');
  const [cpu, heap, other] = [['cpu', 'lib.so'], ['allocated', 'lib.so'], ['cpu', 'program']].map(([metric, module]) => ({name: 'work', metric, module}));
  assert.equal(of(other, heap, cpu), cpu);
  assert.equal(of(other, heap), heap);
  assert.equal(of(other), null);
});

test('what is missing of a source is said with the way to have it', () => {
  const known = {hasLines: true, hasText: true, hasCode: true, code: false, module: 'app', problems: []};
  assert.deepEqual(missingParts(known), []);
  assert.match(missingParts({...known, hasText: false})[0], /--bundle/);
  assert.match(missingParts({...known, hasLines: false, hasText: false})[0], /app has no debug information/);
  assert.match(missingParts({...known, code: true, hasCode: false})[0], /annotate/);
  assert.deepEqual(missingParts({...known, problems: ['gone']}), ['gone']);
});

test('places of long paths keep their end', () => {
  assert.equal(placeText('/usr/src/project/parse/lexer.cc', 12), '…/parse/lexer.cc:12');
  assert.equal(placeText('a/b.c', 0), 'a/b.c');
  assert.equal(placeText('/a/long_folder_name_of_it/and_a_long_name_too.cc', 1), 'and_a_long_name_too.cc:1');
});
