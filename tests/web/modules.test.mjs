// SPDX-License-Identifier: Apache-2.0
// The modules are put together into one script: what is at the top of one must not be in another, and each comes behind
// those that it needs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {test} from 'node:test';

const kFolder = new URL('../../report/web/view/', import.meta.url);
const modules = fs.readFileSync(new URL('modules.txt', kFolder), 'utf8').split('\n').filter((line) => line && !line.startsWith('#'));
const textOf = (module) => fs.readFileSync(new URL(module, kFolder), 'utf8');

test('modules.txt has every module, once', () => {
  const files = fs.readdirSync(kFolder).filter((name) => name.endsWith('.js'));
  assert.deepEqual([...modules].sort(), files.sort());
});

test('a module comes behind those that it imports', () => {
  for (const [place, module] of modules.entries()) {
    for (const [, needed] of textOf(module).matchAll(/^import .* from '\.\/(.*)';$/gm)) {
      const at = modules.indexOf(needed);
      assert.ok(at >= 0 && at < place, `${module} needs ${needed}`);
    }
  }
});

test('imports and exports are of the kind that can be taken off', () => {
  for (const module of modules) {
    for (const line of textOf(module).split('\n')) {
      if (/^import\b/.test(line)) assert.match(line, /^import \{[\w, ]+\} from '\.\/\w+\.js';$/, module);
      if (/^export\b/.test(line)) assert.match(line, /^export (async )?(function|class|const) \w/, module);
    }
  }
});

test('no name at the top of two modules', () => {
  const owner = new Map();
  for (const module of modules) {
    for (const [, name] of textOf(module).matchAll(/^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)/gm)) {
      assert.ok(!owner.has(name), `${name} is in ${owner.get(name)} and in ${module}`);
      owner.set(name, module);
    }
  }
});
