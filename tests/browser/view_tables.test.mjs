// SPDX-License-Identifier: Apache-2.0
// The tables of the page of a whole recording: functions, call tree, sandwich, source, and what changed between two
// recordings; whole_game.h has what they show.
import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, test} from 'node:test';
import {chromium} from 'playwright-core';

const kArguments = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
let browser;
let page;
let errors;

before(async () => { browser = await chromium.launch({executablePath: process.env.CHROMIUM, args: kArguments}); });
after(() => browser.close());
beforeEach(async () => {
  const context = await browser.newContext({viewport: {width: 1280, height: 800}, colorScheme: 'light', permissions: ['clipboard-read', 'clipboard-write']});
  page = await context.newPage();
  page.setDefaultTimeout(15_000);
  errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
});
afterEach(async () => {
  await page.context().close();
  assert.deepEqual(errors, []);
});

async function open(fragment, name = 'game') {
  await page.goto('about:blank');
  await page.goto(`file://${process.env.PAGES}/${name}.html#${fragment}`);
  await page.waitForSelector('html[data-ready]');
}
const state = async () => Object.fromEntries(new URLSearchParams((await page.evaluate(() => location.hash)).slice(1)));
const keys = async (...names) => { for (const name of names) await page.keyboard.press(name); };
const status = () => page.locator('.status').textContent();
const grid = (n = 0) => page.locator('.table-grid:visible').nth(n);
const rowCount = async (n = 0) => Number(await grid(n).getAttribute('aria-rowcount')) - 1;
const title = (text) => page.getByRole('columnheader', {name: text, exact: true}).first();
// Rows in the order of the table, each the texts of its columns by key.
const rows = (n = 0) => grid(n).evaluate((element) => [...element.querySelectorAll('.table-row:not([hidden])')]
    .sort((a, b) => Number(a.dataset.row) - Number(b.dataset.row)).map((row) => Object.fromEntries([...row.children].map((cell) => {
      const key = [...cell.classList].find((each) => each.startsWith('column-')).slice(7);
      return [key, key === 'name' ? cell.querySelector('.name').textContent : cell.textContent];
    }))));
const names = async (n = 0) => (await rows(n)).map((row) => row.name);
const focused = () => page.evaluate(() => {
  const row = document.activeElement.closest('.table-row');
  return row ? (row.querySelector('.name') || row.querySelector('.column-text')).textContent : document.activeElement.textContent;
});
const focusTable = async () => {
  await page.locator('main').focus();
  await keys('ArrowDown');
};

// Makes the row of a function the active one, wherever it is.
async function goTo(name) {
  await focusTable();
  await keys('Home', "'");
  await page.keyboard.type(name);
  await keys('Escape');
  assert.equal(await focused(), name);
}

test('functions stand by their own cost, and are sorted by a click on a title', async () => {
  await open('view=functions&metric=cpu');
  const percent = (await rows()).map((row) => parseFloat(row.selfShare) || 0);
  assert.deepEqual(percent, [...percent].sort((a, b) => b - a));
  assert.equal(await title('Self').getAttribute('aria-sort'), 'descending');
  await title('Function').click();
  assert.equal((await state()).sort, 'name');
  assert.equal(await title('Function').getAttribute('aria-sort'), 'ascending');
  const sorted = await names();
  assert.deepEqual(sorted, [...sorted].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
  await title('Function').click();
  assert.equal((await state()).sort, '-name');
  assert.ok((await names())[0].toLowerCase() > sorted[0].toLowerCase());
});

test('only rows in sight are elements, and the row with the focus stays one', async () => {
  await page.setViewportSize({width: 1280, height: 640});
  await open('view=functions&metric=cpu');
  const count = await rowCount();
  assert.ok((await rows()).length < count, `${count} rows`);
  await focusTable();
  const first = await focused();
  await keys('End');
  assert.notEqual(await focused(), first);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-rowindex')), String(count + 1));
  await grid().evaluate((element) => { element.scrollTop = 0; });
  await page.locator('.table-row[data-row="1"]:not([hidden])').first().waitFor({state: 'attached'});
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-rowindex')), String(count + 1));
  await keys('Home');
  assert.equal(await focused(), first);
});

test('the titles are reached from the first row; they sort, and take other widths', async () => {
  await open('view=functions&metric=cpu');
  await focusTable();
  await keys('ArrowUp');
  assert.match(await focused(), /^Self/);
  await keys('ArrowRight', 'ArrowRight', 'Enter');
  assert.equal((await state()).sort, 'total');
  const width = async () => (await title('Total').boundingBox()).width;
  const before_ = await width();
  await keys('Shift+ArrowRight', 'Shift+ArrowRight');
  assert.equal(await width(), before_ + 32);
  const box = await title('Total').boundingBox();
  await page.mouse.move(box.x + box.width - 1, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width + 49, box.y + 10);
  await page.mouse.up();
  assert.equal(await width(), before_ + 82);
  assert.equal((await state()).sort, 'total');
  await title('Total').focus();
  await keys('ArrowDown');
  assert.equal(await page.evaluate(() => document.activeElement.dataset.row), '0');
});

test('a name is found by typing it behind an apostrophe', async () => {
  await open('view=functions&metric=cpu');
  await focusTable();
  await keys("'");
  await page.keyboard.type('collide');
  assert.equal(await focused(), 'Physics::collide');
  await keys('Escape', '1');
  assert.equal((await state()).view, 'flame');
});

test('functions are grouped by module; groups close', async () => {
  await open('view=functions&metric=cpu');
  const functions = await rowCount();
  await page.locator('main').focus();
  await keys('g');
  assert.equal((await state())['x.functions.group'], 'module');
  assert.equal(await grid().getAttribute('role'), 'treegrid');
  await focusTable();
  await keys('Home');
  const [group] = await rows();
  assert.equal(await focused(), group.name);
  const grouped = await rowCount();
  assert.ok(grouped > functions);
  await keys('ArrowLeft');
  assert.ok(await rowCount() < grouped);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'false');
  await keys('ArrowRight');
  assert.equal(await rowCount(), grouped);
  await keys('ArrowDown', 'ArrowLeft');
  assert.equal(await focused(), group.name);
});

test('the search leaves what it finds, or marks it among all', async () => {
  await open('view=functions&metric=cpu');
  const all = await rowCount();
  await keys('/');
  await page.keyboard.type('Physics::');
  assert.deepEqual((await names()).sort(), ['Physics::collide', 'Physics::step']);
  assert.equal(await page.locator('.name.hit:visible').count(), 2);
  await page.getByLabel('only matches').uncheck();
  assert.equal(await rowCount(), all);
  await focusTable();
  await keys('n');
  const first = await focused();
  await keys('n');
  assert.deepEqual([first, await focused()].sort(), ['Physics::collide', 'Physics::step']);
  await keys('N');
  assert.equal(await focused(), first);
});

test('a row has the menu of its function, by the keyboard and by the pointer', async () => {
  await open('view=functions&metric=cpu');
  await goTo('Physics::step');
  await keys('m');
  await page.getByRole('menuitem', {name: 'Focus on function'}).press('Enter');
  assert.match((await page.locator('.crumb').allTextContents()).join(), /Physics::step/);
  assert.ok((await names()).includes('Physics::collide'));
  assert.ok(!(await names()).includes('main'));
  await page.locator('.table-row:visible', {hasText: 'Physics::collide'}).click({button: 'right'});
  await page.getByRole('menuitem', {name: 'Show callers and callees'}).click();
  assert.equal((await state()).view, 'sandwich');
});

test('tables are copied as text with tabs', async () => {
  await open('view=functions&metric=cpu');
  await page.getByRole('button', {name: 'Copy', exact: true}).click();
  const lines = (await page.evaluate(() => navigator.clipboard.readText())).replace(/\n$/, '').split('\n');
  assert.equal(lines.length, await rowCount() + 1);
  assert.match(lines[0], /^Self\tSelf %\tTotal/);
  assert.equal(new Set(lines.map((line) => line.split('\t').length)).size, 1);
});

test('the call tree begins where most is spent; keys open and close it', async () => {
  await open('view=tree&metric=cpu');
  await focusTable();
  await keys('z');
  const closed = await rowCount();
  await keys('Home');
  const first = await focused();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-expanded')), 'false');
  await keys('ArrowRight');
  const opened = await rowCount();
  assert.ok(opened > closed);
  await keys('ArrowRight');
  assert.notEqual(await focused(), first);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-level')), '2');
  await keys('ArrowLeft', 'ArrowLeft', 'ArrowLeft');
  assert.equal(await rowCount(), closed);
  assert.equal(await focused(), first);
  await keys('ArrowDown');
  const second = await focused();
  await keys('ArrowLeft');
  assert.equal(await focused(), second);
  await keys('Home');
  await keys('x');
  assert.ok(await rowCount() > closed);
  await keys('z', 'Home', '*');
  assert.ok(await rowCount() > opened);
  await keys('z');
  await keys('v');
  assert.equal((await state()).inverted, '1');
  const totals = (await rows()).filter((row) => row.self !== '');
  assert.ok(totals.length > 0);
});

test('what is open in the call tree stays so for another metric, and a match opens its callers', async () => {
  await open('view=tree&metric=cpu');
  await focusTable();
  await keys('z');
  await keys('/');
  await page.keyboard.type('^malloc$');
  await page.locator('main').focus();
  await keys('n');
  assert.equal(await focused(), 'malloc');
  await page.getByRole('radio', {name: 'Allocated'}).click();
  assert.equal(await page.locator('.table-row[aria-selected=true] .name').textContent(), 'malloc');
});

test('a frame of the call tree is found in the flame graph, and the other way round', async () => {
  await open('view=tree&metric=cpu');
  await focusTable();
  await keys('x', 'Enter');
  const {view, zoom} = await state();
  assert.equal(view, 'flame');
  assert.ok(zoom.split('.').length > 1);
  await keys('2');
  assert.equal(await page.locator('.table-row[aria-selected=true]').getAttribute('aria-level'), String(zoom.split('.').length));
});

test('the sandwich has callers and callees; Enter goes to them and Backspace back', async () => {
  await open('view=functions&metric=cpu');
  await goTo('Physics::step');
  await page.locator('.table-row:focus').dblclick();
  assert.equal((await state()).view, 'sandwich');
  assert.equal(await page.getByRole('combobox', {name: 'Function', exact: true}).inputValue(), 'Physics::step');
  assert.deepEqual(await names(0), ['World::update']);
  assert.deepEqual(await names(1), ['Physics::collide', '[itself]']);
  const [step] = [(await state()).func];
  await grid(1).locator('.table-row').first().focus();
  await keys('Enter');
  assert.deepEqual(await names(0), ['Physics::step']);
  assert.deepEqual(await names(1), ['overlaps']);
  await keys('Backspace');
  assert.equal((await state()).func, step);
  const graph = page.getByRole('tree', {name: 'Callers, as a flame graph'});
  await graph.focus();
  await keys('ArrowUp', 'Enter');
  assert.deepEqual(await page.getByRole('combobox', {name: 'Function', exact: true}).inputValue(), 'World::update');
});

test('a function is picked by parts of its name', async () => {
  await open('view=sandwich&metric=cpu');
  await page.locator('main').focus();
  await keys('p');
  await page.keyboard.type('phys coll');
  assert.deepEqual(await page.getByRole('option').locator('.picker-name').allTextContents(), ['Physics::collide']);
  await keys('Enter');
  assert.deepEqual(await names(0), ['Physics::step']);
  assert.ok(await page.evaluate(() => document.activeElement.classList.contains('table-row')));
});

test('source and instructions have their costs, or say what is missing', async () => {
  await open('view=source&metric=cpu');
  await page.locator('main').focus();
  await keys('h');
  assert.match(await status(), /^line \d+: self /);
  await keys('a');
  assert.equal((await state())['x.source.listing'], 'code');
  const listing = async () => (await rows()).map((row) => row.text).join('\n');
  const intel = await listing();
  if (intel === '') {
    assert.match(await page.locator('.source-notes').textContent(), /flarestack annotate/);
  } else {
    await keys('s');
    assert.equal((await state())['x.source.syntax'], 'att');
    assert.notEqual(await listing(), intel);
  }
});

const verdicts = async () => Object.fromEntries((await rows()).map((row) => [row.name, row.verdict]));

test('what changed between two recordings stands above what may be chance', async () => {
  await open('view=functions&metric=cpu', 'compare');
  const found = await verdicts();
  assert.equal(found['Physics::step'], 'more');
  assert.equal(found['Physics::collide'], 'more');
  assert.equal(found.find_path, 'vanished');
  const order = (await rows()).map((row) => row.verdict === 'noise');
  assert.deepEqual(order, [...order].sort());
  assert.match(await page.locator('.tools .dim[role=status]').textContent(), /more, .* less, .* new, .* vanished; .* within noise, the second recording ×/);
  await page.getByRole('radio', {name: 'Absolute'}).click();
  assert.equal((await state())['x.compare.totals'], 'absolute');
  assert.doesNotMatch(await page.locator('.tools .dim[role=status]').textContent(), /×/);
  const step = (await rows()).find((row) => row.name === 'Physics::step');
  assert.match(step.part, /^\+(4|5)\d\.\d%$/);
});

test('two recordings stand side by side, or one alone', async () => {
  await open('view=functions&metric=cpu&compare=side', 'compare');
  assert.equal(await page.locator('.table-grid').count(), 2);
  assert.ok((await names(0)).includes('find_path') || await rowCount(0) > (await names(0)).length);
  await page.getByRole('radio', {name: 'Base alone'}).click();
  assert.equal(await page.locator('.table-grid').count(), 1);
  await open('view=tree&metric=cpu&compare=side', 'compare');
  assert.equal(await page.locator('.table-grid').count(), 2);
  await open('view=tree&metric=cpu', 'compare');
  await focusTable();
  await keys('z', 'Home', '*');
  assert.ok(await page.locator('.table-row.noise').count() > 0);
  assert.ok(await page.locator('.table-row.grown').count() > 0);
});

test('callers and callees of a function that vanished are those of the base', async () => {
  await open('view=functions&metric=cpu', 'compare');
  await goTo('find_path');
  await keys('Enter');
  assert.deepEqual(await names(0), ['World::update']);
  const [caller] = await rows(0);
  assert.ok(caller.value !== '' && caller.newer === '');
  assert.match(caller.change, /^-/);
});
