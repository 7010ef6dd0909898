// SPDX-License-Identifier: Apache-2.0
// The timeline of the page of a whole recording, and its views of findings, heap, leaks and quality, as their user meets
// them. whole_game.h has what they show.
import assert from 'node:assert/strict';
import {after, before, beforeEach, afterEach, test} from 'node:test';
import {chromium} from 'playwright-core';

const kArguments = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
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
});
afterEach(async () => {
  await page.close();
  assert.deepEqual(errors, []);
});

async function open(fragment = '', name = 'game') {
  await page.goto('about:blank');
  await page.goto(`file://${process.env.PAGES}/${name}.html#${fragment}`);
  await page.waitForSelector('html[data-ready]');
  await page.waitForSelector('.timeline-label');
}
const state = async () => Object.fromEntries(new URLSearchParams((await page.evaluate(() => location.hash)).slice(1)));
const ranges = async () => ((await state()).range ?? '').split(',').filter(Boolean).map((range) => range.split('-').map(Number));
const total = () => page.locator('.total').textContent();
const input = () => page.locator('.timeline-input');
// From one part of the timeline's width to another.
async function drag(from, to) {
  const box = await input().boundingBox();
  const y = box.y + 40;
  await page.mouse.move(box.x + from * box.width, y);
  await page.mouse.down();
  await page.mouse.move(box.x + (from + to) / 2 * box.width, y);
  await page.mouse.move(box.x + to * box.width, y);
  await page.mouse.up();
}
const near = (actual, expected, room) => assert.ok(Math.abs(actual - expected) <= room, `${actual} is not about ${expected}`);

test('dragging takes a range, of which all views then are; ranges nest, and Escape leads back', async () => {
  await open('view=functions&metric=cpu');
  const all = await total();
  await drag(0.25, 0.75);
  const [[from, to]] = await ranges();
  near(from, 2.5e9, 5e7);
  near(to, 7.5e9, 5e7);
  const half = await total();
  assert.notEqual(half, all);
  await drag(0.5, 0.9);
  const [, [inner, innerTo]] = await ranges();
  near(inner, 5e9, 5e7);  // the timeline shows the first range alone
  near(innerTo, 7e9, 5e7);
  await input().focus();
  await page.keyboard.press('Escape');
  assert.equal(await total(), half);
  await page.keyboard.press('Escape');
  assert.equal(await total(), all);
  assert.deepEqual(await ranges(), []);
});

test('a double click shows the whole recording, and undo the range again', async () => {
  await open('view=functions&metric=cpu&range=2000000000-6000000000,3000000000-4000000000');
  await input().dblclick({position: {x: 200, y: 40}});
  assert.deepEqual(await ranges(), []);
  await page.keyboard.press('u');
  assert.equal((await ranges()).length, 2);
});

test('by keyboard: the cursor moves, Shift selects, Enter takes, plus and minus zoom', async () => {
  await open('view=functions&metric=cpu');
  await page.keyboard.press('l');
  assert.ok(await input().evaluate((element) => element === document.activeElement));
  await page.keyboard.press('PageDown');
  await page.keyboard.press('PageDown');
  assert.match(await input().getAttribute('aria-valuetext'), /^2\.00 s; processors in use: CPUs \d\.\d\d; memory: heap live/);
  await page.keyboard.press('Shift+PageDown');
  await page.keyboard.press('Shift+ArrowRight');
  assert.match(await page.locator('.status').textContent(), /^2\.00 s – 3\.10 s, 1\.10 s; Enter takes it$/);
  await page.keyboard.press('Enter');
  assert.deepEqual(await ranges(), [[2e9, 3.1e9]]);
  await page.keyboard.press('+');
  assert.equal((await state())['x.timeline.window'], '1:2000000000-2550000000');
  await page.keyboard.press('End');
  assert.match(await input().getAttribute('aria-valuetext'), /^3\.10 s/);
  await page.keyboard.press('-');
  assert.equal((await state())['x.timeline.window'], undefined);
  await page.keyboard.press('Enter');  // nothing is selected
  assert.equal((await ranges()).length, 1);
});

test('a lane is picked by its label, and what is under the pointer is told', async () => {
  await open('view=functions&metric=cpu');
  const label = page.locator('.timeline-label.pick', {hasText: 'render-1'});
  await label.click();
  const {thread} = await state();
  assert.ok(Number(thread) >= 0);
  assert.equal(await label.getAttribute('aria-pressed'), 'true');
  assert.equal(await page.getByRole('combobox', {name: 'Thread'}).inputValue(), thread);
  await label.click();
  assert.equal((await state()).thread, undefined);
  const [row, over] = [await label.boundingBox(), await input().boundingBox()];
  await page.mouse.move(over.x + over.width / 2, row.y + row.height / 2);
  assert.match(await page.locator('.tooltip').textContent(), /5\.\d\d s.*render-1.*%/s);
});

test('regions are lanes, which tell of themselves and lead to their time', async () => {
  await open('view=summary&metric=cpu');
  const labels = page.locator('.timeline-label', {hasText: /^(frame|physics|load level)/});
  assert.deepEqual(await labels.locator('.name').allTextContents(), ['frame', 'physics', 'load level']);
  const rows = await page.locator('table.regions tbody tr').allInnerTexts();
  assert.match(rows[0], /^frame\s+750\s+6\.75 s\s+3\.75 s\s/);
  assert.match(rows[2], /^load level\s+1\s+2\.50 s\s+2\.50 s\s+[\d.]+ s\s+17\.0 MiB\s+6\.00 MiB\s+6\.00 MiB$/);
  const lane = await labels.nth(2).boundingBox();
  const area = await input().boundingBox();
  await page.mouse.move(area.x + 0.1 * area.width, lane.y + lane.height / 2);
  assert.match(await page.locator('.timeline-tip, .tooltip').first().innerText(), /load level[\s\S]*threads in it\s+1\.00/);
  await labels.nth(2).click();
  assert.deepEqual(await ranges(), [[0, 2.5e9]]);
});

test('it folds, and its lines of memory are shown and hidden', async () => {
  await open('view=functions&metric=cpu');
  const rows = await page.locator('.timeline-label').count();
  await page.keyboard.press('T');
  assert.ok(await page.locator('.timeline-label').count() < rows);
  assert.equal(await page.getByRole('button', {name: 'Unfold the timeline'}).getAttribute('aria-expanded'), 'false');
  const resident = page.getByRole('button', {name: 'Resident'});
  await resident.click();
  assert.equal(await resident.getAttribute('aria-pressed'), 'false');
  assert.equal((await state())['x.timeline.without'], 'resident');
});

test('marks tell of the peak and of leak checks, by keyboard too', async () => {
  await open();
  const marks = page.locator('.timeline-mark');
  const labels = (await marks.evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')))).join('; ');
  assert.match(labels, /heap peak: .* live at /);
  assert.match(labels, /leak check .*, when it ended: [\d,]+ blocks looked at/);
  await marks.first().focus();
  assert.ok(await page.locator('.tooltip').isVisible());
});

test('a finding leads to the flame graph of its place', async () => {
  await open();
  const finding = page.locator('.finding').first();
  const place = await finding.locator('.place-name').first().getAttribute('title');
  await finding.getByRole('button', {name: /^Flame graph/}).first().click();
  const {view, transforms, func} = await state();
  assert.equal(view, 'flame');
  assert.equal(transforms, `0:${func}`);
  assert.ok((await page.locator('body').textContent()).includes(`only ${place}`));
});

test('the menu of frames is where functions are named', async () => {
  await open('view=heap&metric=allocated');
  await page.locator('.places-table .place-name').first().click({button: 'right'});
  assert.ok(await page.getByRole('menuitem', {name: 'Copy name'}).isVisible());
  await page.keyboard.press('Escape');
  await open();
  await page.locator('.finding button').first().focus();
  await page.keyboard.press('m');
  assert.ok(await page.getByRole('menuitem', {name: 'Focus on function'}).isVisible());
});

test('the histograms count allocations or bytes, of all or of what goes through a function', async () => {
  await open('view=heap&metric=allocated');
  const first = () => page.locator('.histogram').first().innerText();
  const counts = await first();
  await page.keyboard.press('b');
  assert.match(await first(), /KiB|MiB| B/);
  assert.notEqual(await first(), counts);
  await page.locator('.places-table').getByRole('button', {name: /^Callers of/}).first().click();
  const {func} = await state();
  await open(`view=heap&metric=allocated&func=${func}`);
  const whole = await page.locator('.tiles').innerText();
  await page.getByRole('radio', {name: /^Through/}).click();
  assert.notEqual(await page.locator('.tiles').innerText(), whole);
});

test('leaks are chosen by verdict, sorted, and opened to who holds them', async () => {
  await open('view=leaks&metric=leaked');
  const rows = page.locator('.leak-row');
  const lost = await rows.count();
  assert.ok(lost > 0);
  const reachable = page.getByRole('button', {name: /still reachable/});
  await reachable.click();
  assert.equal(await reachable.getAttribute('aria-pressed'), 'true');
  assert.ok(await rows.count() > lost);
  await page.keyboard.press('d');
  assert.doesNotMatch(await page.locator('.leaks tbody').innerText(), /definitely/);
  await page.getByRole('button', {name: /^Blocks/}).click();
  assert.equal((await state())['x.leaks.sort'], 'blocks');
  assert.equal(await page.locator('th[aria-sort=descending]').innerText(), 'Blocks ▾');
  const expand = page.locator('button.expand').first();
  await expand.focus();
  await page.keyboard.press('Enter');
  assert.equal(await expand.getAttribute('aria-expanded'), 'true');
  assert.match(await page.locator('.leak-details').innerText(), /Allocated by.*Held by.*Blocks/s);
  await page.getByRole('button', {name: 'When it was allocated'}).click();
  assert.equal((await ranges()).length, 1);
});
