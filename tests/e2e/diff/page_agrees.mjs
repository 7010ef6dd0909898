// SPDX-License-Identifier: Apache-2.0
// page_agrees.mjs COMPARE.MJS PAIRS.MJS DIFF.JSON: the page of two recordings (compare.js, module_pairs.js) calls the same
// functions changed, and takes the same modules for one, as `flarestack diff` did.
import {readFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const [compare, pairs, file] = process.argv.slice(2);
const {ChangeTest, functionChanges, sampleWeight} = await import(pathToFileURL(compare).href);
const {pairModules} = await import(pathToFileURL(pairs).href);
const diff = JSON.parse(readFileSync(file, 'utf8'));
let [changed, noise] = [0, 0];
for (const metric of diff.metrics) {
  const heap = metric.metric !== 'cpu';
  const weight = sampleWeight({name: metric.metric, heap}, {meta: {heap: 'exact'}}, 0, 0);
  const side = (which) => ({total: metric.total[which], weight});
  const test = new ChangeTest(side('base'), side('new'), diff.totals === 'equal');
  const column = (of) => Float64Array.from(metric.functions, of);
  const table = (which) => ({self: column((f) => f.self[which]), total: column((f) => f.total[which]), count: column((f) => f.total[which + '_samples'])});
  for (const row of functionChanges(test, table('base'), table('new'))) {
    const {name, self, total} = metric.functions[row.f];
    const here = [self, total].some((each) => !['same', 'noise'].includes(each.verdict));
    if (here !== row.significant) throw new Error(`${metric.metric}: ${name} is ${here ? 'a' : 'no'} change, but not to the page`);
    changed += here;
    noise += !here && [self, total].some((each) => each.verdict === 'noise');
  }
}
const here = diff.paired_modules.map((each) => [each.new, each.base]).sort();
const modules = (side) => new Set(['libc.so.6', ...here.map((pair) => pair[side])]);
const programs = ['base', 'new'].map((side) => diff[side].command.replace(/^.*\//, ''));
const paired = [...pairModules(modules(1), modules(0), programs)].sort();
if (JSON.stringify(paired) !== JSON.stringify(here)) throw new Error(`modules: ${JSON.stringify(here)}, to the page ${JSON.stringify(paired)}`);
console.log(`${changed} changed, ${noise} noise, ${here.length} pairs`);
