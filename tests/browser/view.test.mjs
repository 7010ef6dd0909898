// SPDX-License-Identifier: Apache-2.0
// The page of a whole recording as its user meets it: whole_game.h has what it shows.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {createRequire} from 'node:module';
import {after, before, beforeEach, afterEach, test} from 'node:test';
import {chromium} from 'playwright-core';
import {comparePicture} from './pictures.mjs';

const kArguments = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const kAxe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const kViews = ['summary', 'flame', 'tree', 'functions', 'sandwich', 'source', 'heap', 'leaks', 'quality'];
const kMetrics = ['cpu', 'wall', 'allocated', 'allocations', 'peak', 'live', 'temporary', 'leaked'];
let browser;
let page;
let errors;

before(async () => {
  browser = await chromium.launch({executablePath: process.env.CHROMIUM, args: kArguments});
});
after(() => browser.close());
beforeEach(async () => {
  page = await browser.newPage({viewport: {width: 1280, height: 800}, colorScheme: 'light', reducedMotion: 'reduce'});
  page.setDefaultTimeout(15_000);
  errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
  page.on('request', (request) => { if (!/^(file|data|blob):/.test(request.url())) errors.push('request: ' + request.url()); });
});
afterEach(async () => {
  await page.close();
  assert.deepEqual(errors, []);
});

async function open(fragment = '', name = 'game') {
  await page.goto('about:blank');
  await page.goto(`file://${process.env.PAGES}/${name}.html#${fragment}`);
  await page.waitForSelector('html[data-ready]');
}
// Of the fragment: {view: 'flame', ...}.
const state = async () => Object.fromEntries(new URLSearchParams((await page.evaluate(() => location.hash)).slice(1)));
const viewShown = () => page.evaluate(() => document.querySelector('main').dataset.view);
const total = () => page.locator('.total').textContent();

test('the page carries all it needs, and little of its own', () => {
  const text = fs.readFileSync(`${process.env.PAGES}/game.html`, 'utf8');
  assert.ok(text.length < 1_000_000, `${text.length} bytes`);
  assert.doesNotMatch(text.replace(/<script id="profile-\d"[^<]*<\/script>/g, ''), /https?:\/\/(?!www\.w3\.org)/);
});

test('every view is reached by its tab and by its key, and is in the URL', async () => {
  await open();
  assert.equal(await viewShown(), 'summary');
  const tabs = page.getByRole('tab');
  const names = await tabs.evaluateAll((all) => all.map((each) => each.id.replace('tab-', '')));
  for (const name of kViews) assert.ok(names.includes(name), `no view ${name}`);
  for (const name of names) {
    await page.locator(`#tab-${name}`).click();
    assert.equal(await viewShown(), name);
  }
  for (const name of names) {
    await page.locator('main').focus();
    const key = /\((.)\)$/.exec(await page.locator(`#tab-${name}`).getAttribute('title'))[1];
    await page.keyboard.press(key);
    assert.equal(await viewShown(), name, `by ${key}`);
    assert.equal((await state()).view ?? 'summary', name);
    await open(`view=${name}`);
    assert.equal(await viewShown(), name, 'by its URL');
  }
});

test('every metric has the total that report has', async () => {
  await open('view=flame');
  const expected = JSON.parse(fs.readFileSync(`${process.env.PAGES}/totals.json`, 'utf8'));
  for (const metric of kMetrics) {
    await page.locator(`[role=radio][data-value=${metric}]`).click();
    assert.equal((await state()).metric ?? 'cpu', metric);
    assert.equal(await total(), `${expected[metric]} in all`, metric);
  }
});

test('nothing that axe finds: contrast, labels, order, of every view, light and dark', async () => {
  for (const theme of ['light', 'dark']) {
    for (const view of kViews) {
      await open(`view=${view}&theme=${theme}&metric=${view === 'leaks' ? 'leaked' : 'cpu'}`);
      await page.addScriptTag({path: kAxe}).catch(async () => page.evaluate(fs.readFileSync(kAxe, 'utf8')));
      const found = await page.evaluate(() => globalThis.axe.run(document, {resultTypes: ['violations']}));
      assert.deepEqual(found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).slice(0, 3).join(' | ')}`), [],
          `${view}, ${theme}`);
    }
  }
});

test('undo takes steps back, and the sheet names every key', async () => {
  await open('view=flame');
  await page.keyboard.press('3');
  await page.keyboard.press('.');
  assert.equal(await viewShown(), 'functions');
  await page.keyboard.press('u');
  await page.keyboard.press('Control+z');
  assert.equal(await viewShown(), 'flame');
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', {name: 'Keys'});
  assert.ok(await sheet.isVisible());
  for (const view of kViews) assert.match(await sheet.textContent(), /show/, view);
  await page.keyboard.press('Escape');
  assert.equal(await sheet.count(), 0);
});

test('no key of any view breaks the page', async () => {
  for (const view of kViews) {
    await open(`view=${view}`);
    await page.keyboard.press('?');
    const keys = await page.locator('.sheet kbd').allTextContents();
    await page.keyboard.press('Escape');
    const named = {'↑': 'ArrowUp', '↓': 'ArrowDown', '←': 'ArrowLeft', '→': 'ArrowRight', Esc: 'Escape', Space: ' '};
    assert.ok(keys.length > 12, `${keys.length} keys`);
    for (const key of keys) {
      if (key === '?') continue;
      const pressed = key.split(' ').map((part) => named[part] ?? part.replace('Ctrl', 'Control').replace('Shift', 'Shift')).join('+') || ' ';
      await open(`view=${view}`);
      await page.locator('main').focus();
      await page.keyboard.press(pressed);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      assert.deepEqual(errors, [], `${key} in ${view}`);
      assert.ok(await page.locator('main').isVisible());
    }
  }
});

test('pictures', async () => {
  for (const [name, fragment] of [
    ['view-summary', ''], ['view-flame', 'view=flame&metric=cpu'], ['view-time', 'view=flame&metric=cpu&order=time&thread=0'],
    ['view-tree', 'view=tree&metric=cpu'], ['view-functions', 'view=functions&metric=cpu'], ['view-sandwich', 'view=sandwich&metric=cpu'],
    ['view-source', 'view=source&metric=cpu'], ['view-heap', 'view=heap&metric=allocated'], ['view-leaks', 'view=leaks&metric=leaked'],
    ['view-quality', 'view=quality'], ['view-flame-dark', 'view=flame&metric=peak&theme=dark'],
  ]) {
    await open(fragment);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    await comparePicture(page, name);
  }
  await open('view=flame&metric=cpu&compare=difference', 'compare');
  await comparePicture(page, 'view-compare');
  for (const [name, file] of [
    ['flamegraph', `${process.env.PAGES}/flamegraph.svg`], ['difference', `${process.env.PAGES}/difference.svg`], ['plot', `${process.env.PAGES}/plot.svg`],
    ['dashboard', `${process.env.PAGES}/dashboard.html`], ['annotate', `${process.env.GOLDEN}/annotate.html`],
  ]) {
    await page.goto(`file://${file}`);
    await comparePicture(page, name);
  }
});
