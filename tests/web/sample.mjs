// SPDX-License-Identifier: Apache-2.0
// Recordings for tests, said in a few words: stacks as "main;work;malloc", what happened in slices of 10 ms.
import {Functions} from '../../report/web/view/functions.js';
import {Paths} from '../../report/web/view/paths.js';
import {kNone, Payload} from '../../report/web/view/payload.js';
import {Recording} from '../../report/web/view/recording.js';

const kSliceNs = 10e6;

// samples: [{stack, slice, ms, thread, waiting}], allocations: [{stack, slice, allocations, bytes, freed, freedBytes, ...}],
// leaks: [{stack, blocks, bytes, verdict, counted}]; of a function "name@module", of a module "lib.so" kind native.
export function samplePayload({samples = [], allocations = [], leaks = [], regionSpans = [], heapSlices = [], memory = [], threads = [{}], processes = [{}], meta = {}}) {
  const strings = [''];
  const text = (value) => {
    let at = strings.indexOf(value);
    if (at < 0) at = strings.push(value) - 1;
    return at;
  };
  const columns = new Map();
  const put = (name, value) => {
    if (!columns.has(name)) columns.set(name, []);
    columns.get(name).push(value);
  };
  const functions = new Map();
  const functionOf = (label) => {
    if (!functions.has(label)) {
      const [name, module = 'program'] = label.split('@');
      const f = functions.size;
      functions.set(label, f);
      put('function.name', text(name));
      put('function.module', text(module));
      put('function.path', text(`/usr/bin/${module}`));
      put('function.file', text(`/src/${name}.c`));
      put('function.line', 10 * f + 1);
      put('function.kind', name.startsWith('[') ? 5 : 0);
      put('location.function', f);
      put('location.file', text(`/src/${name}.c`));
      put('location.line', 10 * f + 3);
      put('location.kind', name.startsWith('[') ? 5 : 0);
      put('frame.first', f);
      put('frame.count', 1);
      put('frame.location', f);
    }
    return functions.get(label);
  };
  const stacks = new Map();
  const stackOf = (names) => {
    if (names === '') return kNone;
    if (!stacks.has(names)) {
      const cut = names.lastIndexOf(';');
      const parent = cut < 0 ? kNone : stackOf(names.slice(0, cut));
      put('stack.frame', functionOf(names.slice(cut + 1)));
      put('stack.parent', parent);
      stacks.set(names, stacks.size);
    }
    return stacks.get(names);
  };
  const slices = [...samples, ...allocations].reduce((most, each) => Math.max(most, (each.slice ?? 0) + 1), 1);
  for (let i = 0; i < slices; i++) {
    put('slice.start', i * kSliceNs);
    put('slice.length', kSliceNs);
  }
  const bySlice = (a, b) => (a.slice ?? 0) - (b.slice ?? 0);
  for (const {stack, slice = 0, ms, thread = 0, waiting = 0} of [...samples].sort(bySlice)) {
    put('sample.slice', slice);
    put('sample.thread', thread);
    put('sample.stack', stackOf(stack));
    put('sample.waiting', waiting);
    put('sample.count', ms);
    put('sample.value', ms * 1e6);
  }
  for (const each of [...allocations].sort(bySlice)) {
    put('allocation.slice', each.slice ?? 0);
    put('allocation.thread', each.thread ?? 0);
    put('allocation.stack', stackOf(each.stack));
    put('allocation.kind', each.kind ?? 0);
    put('allocation.size_class', each.sizeClass ?? 7);
    put('allocation.allocations', each.allocations ?? 0);
    put('allocation.allocated_bytes', each.bytes ?? 0);
    put('allocation.deallocations', each.freed ?? 0);
    put('allocation.deallocated_bytes', each.freedBytes ?? 0);
    put('allocation.temporary', each.temporary ?? 0);
    put('allocation.peak_bytes', each.peakBytes ?? 0);
    put('allocation.peak_blocks', each.peakBlocks ?? 0);
    for (let i = 1; i <= 7; i++) put(`allocation.lifetime${i}`, each.lifetimes?.[i] ?? 0);
  }
  for (const each of leaks) {
    put('leak.process', each.process ?? 0);
    put('leak.verdict', each.verdict ?? 0);
    put('leak.thread', each.thread ?? 0);
    put('leak.stack', stackOf(each.stack));
    put('leak.blocks', each.blocks);
    put('leak.bytes', each.bytes);
    put('leak.first', each.first ?? 0);
    put('leak.last', each.last ?? 0);
    put('leak.counted', each.counted ?? 1);
  }
  for (const each of regionSpans) for (const [key, value] of Object.entries({region: 0, thread: 0, ...each})) put(`region_span.${key}`, value);
  for (const each of heapSlices) for (const [key, value] of Object.entries({process: 0, ...each})) put(`heap_slice.${key}`, value);
  for (const each of memory) for (const [key, value] of Object.entries({process: 0, ...each})) put(`memory.${key}`, value);
  threads.forEach((each, i) => {
    put('thread.process', each.process ?? 0);
    put('thread.tid', each.tid ?? 100 + i);
    put('thread.name', text(each.name ?? 'main'));
    put('thread.start', each.start ?? 0);
  });
  const isSigned = (name) => /start|end$|busy|length|value|bytes|peak|time|first|last|count|rss|live/.test(name) && !name.startsWith('frame.');
  const typed = new Map([...columns].map(([name, values]) =>
    [name, isSigned(name) ? Float64Array.from(values) : Uint32Array.from(values)]));
  const metrics = [];
  if (samples.length > 0) metrics.push('cpu');
  if (samples.some((each) => each.waiting)) metrics.push('wall');
  if (allocations.length > 0) metrics.push('allocated', 'allocations', 'peak', 'live', 'temporary');
  if (leaks.length > 0) metrics.push('leaked');
  return new Payload({
    schema: 'flarestack.view/1', title: 'sample', command: ['sample'], host: 'host', duration_ns: slices * kSliceNs,
    strings, metrics: metrics.map((name) => ({name, total: 0})), default_metric: metrics[0] || 'cpu',
    processes: processes.map((each, i) => ({
      pid: 10 + i, parent: -1, name: 'program', executable: '/usr/bin/program', arguments: [], start_ns: 0, end_ns: slices * kSliceNs,
      exit: 'exited 0', cpu_ns: 0, reason: '', ...each,
    })),
    notes: [], unrecorded: [], quality: [], findings: [], leak_checks: [], leak_sites: [], sources: [], annotations: [], ...meta,
  }, typed);
}

export function sampleRecording(description, functions = new Functions(), paths = new Paths()) {
  return new Recording(samplePayload(description), functions, paths);
}
