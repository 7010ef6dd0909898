// SPDX-License-Identifier: Apache-2.0
// What `export --format speedscope` writes, and `--format chrome`, which it reads as well, in the real speedscope: the
// profiles of fixture.cc with their values.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {fileURLToPath} from 'node:url';
import Ajv from 'ajv';
import {chromium} from 'playwright-core';

const kArguments = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-gl=swiftshader',
  '--enable-unsafe-swiftshader'];  // it draws with WebGL
const kRelease = path.join(path.dirname(fileURLToPath(import.meta.url)), 'node_modules/speedscope/dist/release');
const fileOf = (name, format) => path.join(process.env.PAGES, `${name}.${format}.json`);
let browser;

before(async () => {
  browser = await chromium.launch({executablePath: process.env.CHROMIUM, args: kArguments});  // in a fresh profile folder
});
after(() => browser.close());

// The sandwich view, as {name: [total, self]} of the rows that it shows, of the profile that is chosen.
const rowsOf = (page) => page.evaluate(() => {
  const rows = {};
  for (const row of document.querySelectorAll('tr')) {
    const [total, self, name] = [...row.querySelectorAll('td')].map((cell) => cell.innerText.trim());
    if (name) rows[name] = [total, self];
  }
  return rows;
});

// Loads it from a script, as speedscope's own command does: a page from a file may not fetch another one.
const withProfile = async (name, format, check) => {
  const script = path.join(process.env.PAGES, `${name}.${format}.js`);
  const contents = fs.readFileSync(fileOf(name, format)).toString('base64');
  fs.writeFileSync(script, `speedscope.loadFileFromBase64('${name}.json', '${contents}')`);
  const page = await browser.newPage({viewport: {width: 1220, height: 900}});
  page.setDefaultTimeout(20_000);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('dialog', (dialog) => { errors.push(dialog.message()); dialog.dismiss(); });
  await page.goto(`file://${kRelease}/index.html#localProfilePath=${script}&view=sandwich`);
  await page.getByText('Symbol Name').waitFor();
  await check(page);
  await page.close();
  assert.deepEqual(errors, []);
};

test('what is written is of the schema that speedscope publishes', () => {
  const schema = JSON.parse(fs.readFileSync(path.join(kRelease, 'file-format-schema.json')));
  const validate = new Ajv({strict: false}).compile(schema);
  for (const name of ['game', 'heap', 'hostile']) {
    assert.ok(validate(JSON.parse(fs.readFileSync(fileOf(name, 'speedscope')))), `${name}: ${JSON.stringify(validate.errors)}`);
  }
});

test('functions have their self and total time, recursive ones once a stack', async () => {
  await withProfile('game', 'speedscope', async (page) => {
    const rows = await rowsOf(page);
    assert.deepEqual(rows.parse, ['280.00ms (28%)', '280.00ms (28%)']);
    assert.deepEqual(rows.fold, ['120.00ms (12%)', '0.00ns (<0.01%)']);
    assert.deepEqual(rows.worker, ['500.00ms (50%)', '0.00ns (<0.01%)']);
    assert.deepEqual(rows['[kernel]'], ['100.00ms (10.0%)', '100.00ms (10.0%)']);
    assert.match(await page.locator('body').innerText(), /cpu, all threads \(1\/5\)/);
  });
});

test('each thread is a profile of its own', async () => {
  await withProfile('game', 'speedscope', async (page) => {
    await page.keyboard.press('n');
    await page.getByText('cpu, game (100) of game [100] (2/5)').waitFor();
    const rows = await rowsOf(page);
    assert.equal(rows.worker, undefined);
    assert.deepEqual(rows.update, ['160.00ms (55%)', '0.00ns (<0.01%)']);
    await page.keyboard.press('n');
    await page.getByText('cpu, render-1 (101) of game [100] (3/5)').waitFor();
    assert.deepEqual((await rowsOf(page)).submit, ['80.00ms (29%)', '80.00ms (29%)']);
  });
});

test('bytes are bytes', async () => {
  await withProfile('heap', 'speedscope', async (page) => {
    const rows = await rowsOf(page);
    assert.deepEqual(rows.load, ['3.00 MB (75%)', '3.00 MB (75%)']);
    assert.deepEqual(rows.main, ['4.00 MB (100%)', '0 B (<0.01%)']);
  });
});

test('the events of a Chrome trace are nested calls of their threads, as long as they took', async () => {
  await withProfile('game', 'chrome', async (page) => {
    await page.getByText('(1/4)').waitFor();
    const rows = await rowsOf(page);
    // What an event knows stands behind its name.
    const part = (name, column) => Object.entries(rows).find(([row]) => row.startsWith(`${name} {`))[1][column].split(' ')[0];
    assert.deepEqual([part('update', 0), part('parse', 1), part('frame', 1)], ['160.00ms', '160.00ms', '40.00ms']);
    assert.ok(!Object.keys(rows).some((row) => row.startsWith('worker')));  // of other threads
  });
});
