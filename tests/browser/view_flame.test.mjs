// SPDX-License-Identifier: Apache-2.0
// The flame graph of the page of a whole recording, with its search, menu and breadcrumbs: whole_game.h has what it shows.
// A canvas has no elements to ask: what is where is asked of the items that a screen reader goes to.
import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, test} from 'node:test';
import {chromium} from 'playwright-core';

const kArguments = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const kRow = 19;
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
  await open();
});
afterEach(async () => {
  await page.context().close();
  assert.deepEqual(errors, []);
});

async function open(fragment = 'view=flame&metric=cpu', name = 'game') {
  await page.goto('about:blank');
  await page.goto(`file://${process.env.PAGES}/${name}.html#${fragment}`);
  await page.waitForSelector('html[data-ready]');
}
const state = async () => Object.fromEntries(new URLSearchParams((await page.evaluate(() => location.hash)).slice(1)));
const keys = async (...names) => { for (const name of names) await page.keyboard.press(name); };
// What the keyboard is on: "name, share, value, module".
const cursor = () => page.evaluate(() => {
  const trees = [...document.querySelectorAll('[role=tree]')];
  const tree = trees.find((each) => each === document.activeElement) || trees[0];
  return document.getElementById(tree.getAttribute('aria-activedescendant')).textContent;
});
const cursorName = async () => (await cursor()).split(', ')[0].replace(/:.*/, '');
const crumbs = () => page.locator('.crumb').allTextContents();
const found = () => page.locator('.search-found').textContent();
const status = () => page.locator('.status').textContent();
const tooltip = () => page.locator('.tooltip').textContent();
const total = () => page.locator('.total').textContent();
const picture = () => page.evaluate(() => document.querySelector('.flame-graph canvas').toDataURL());
const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
// The middle of a row, near its left end: where the heaviest callee of each row above is.
async function atRow(row, x = 40) {
  const box = await page.locator('.flame-graph').first().boundingBox();
  return [box.x + x, box.y + row * kRow + kRow / 2];
}
const zoomed = async () => ((await state()).zoom || '').split('.').filter(Boolean).length;

test('a click zooms; its callers, Shift and a double click zoom out', async () => {
  await page.mouse.click(...await atRow(3));
  assert.equal(await zoomed(), 3);
  await page.mouse.click(...await atRow(4));
  assert.equal(await zoomed(), 4);
  await page.mouse.click(...await atRow(2));
  assert.equal(await zoomed(), 2);
  await page.keyboard.down('Shift');
  await page.mouse.click(...await atRow(4));
  await page.keyboard.up('Shift');
  assert.equal(await zoomed(), 1);
  await page.mouse.click(...await atRow(3));
  await page.mouse.dblclick(...await atRow(4));
  assert.equal(await zoomed(), 2);
  await page.mouse.click(...await atRow(0));
  assert.equal(await zoomed(), 0);
});

test('arrows walk, Enter zooms, Backspace, Escape and 0 zoom out', async () => {
  await keys('ArrowDown');
  const first = await cursorName();
  assert.notEqual(first, 'all');
  await keys('ArrowRight');
  const second = await cursorName();
  assert.notEqual(second, first);
  await keys('ArrowLeft', 'ArrowUp');
  assert.equal(await cursorName(), 'all');
  await keys('ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter');
  assert.equal(await zoomed(), 3);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'tree');
  assert.match(await status(), /^Zoomed: /);
  await keys('Backspace');
  assert.equal(await zoomed(), 2);
  await keys('Escape');
  assert.equal(await zoomed(), 1);
  await keys('ArrowDown', 'ArrowDown', 'Enter', '0');
  assert.equal(await zoomed(), 0);
  await keys('i', 'End', 'ArrowUp');  // upside down
  assert.equal(await cursorName(), first);
});

test('what is under the pointer, and what the keyboard is on, is told', async () => {
  await page.mouse.move(...await atRow(1));
  assert.match(await tooltip(), /total.*s.*self.*samples/);
  await page.mouse.move(5, 5);
  assert.equal(await page.locator('.tooltip').isVisible(), false);
  await keys('ArrowDown', 'ArrowDown', 'Enter');
  assert.match(await tooltip(), /of all.*of zoomed.*100\.0%/);
});

test('a search says what part it finds, goes along it, and says when it is no regular expression', async () => {
  await keys('/');
  await page.keyboard.type('^(physics|Particles)::');
  assert.match(await found(), /^\d+\.\d% matched, 1 function$/);  // a capital: case matters
  await page.getByRole('searchbox').fill('^(physics|particles)::');
  assert.match(await found(), /^\d+\.\d% matched, 3 functions$/);
  const quiet = await picture();
  await keys('Enter');
  assert.match(await status(), /^Match 1 of \d+ drawn$/);
  const first = await cursor();
  assert.match(first, /^(Physics|Particles)::/);
  await keys('n');
  assert.match(await status(), /^Match 2 of/);
  assert.notEqual(await cursor(), first);
  await keys('N');
  assert.equal(await cursor(), first);
  await page.getByRole('button', {name: 'Next match'}).click();
  assert.match(await status(), /^Match 2 of/);
  assert.deepEqual(await crumbs(), ['search^(physics|particles)::×']);
  await page.getByRole('searchbox').fill('append(');
  assert.match(await found(), /^0\.0% matched, 0 functions \(no regular expression: searched as text\)$/);
  await keys('Escape');
  assert.equal(await found(), '');
  assert.notEqual(await picture(), quiet);
});

test('every change of the menu is a breadcrumb, and is taken back by its button and by undo', async () => {
  const whole = await total();
  await keys('ArrowDown', 'ArrowDown', 'ArrowDown');
  const path = await cursor();
  for (const change of ['Focus on function', 'Focus on this subtree', 'Merge into callers', 'Drop all stacks with it', 'Drop this subtree',
    'Collapse its recursion', 'Collapse all direct recursion', 'Collapse library ']) {
    const before = await picture();
    await keys('m');
    const menu = page.getByRole('menu');
    await menu.getByRole('menuitem', {name: change}).click();
    assert.equal(await menu.count(), 0);
    assert.equal((await crumbs()).length, 1, change);
    if (/Focus|Drop/.test(change)) assert.notEqual(await total(), whole, change);
    else assert.equal(await total(), whole, change);
    await page.getByRole('button', {name: 'Remove transform'}).click();
    assert.deepEqual(await crumbs(), [], change);
    await keys('u');
    assert.equal((await crumbs()).length, 1, `${change}, back`);
    await keys('Control+z');
    assert.deepEqual(await crumbs(), []);
    await page.locator('.flame-graph').focus();
    assert.equal(await cursor(), path);
    await page.mouse.move(5, 5);
    assert.equal(await picture(), before, change);
  }
});

test('the menu is all keyboard: it opens, is walked and typed in, and gives the focus back', async () => {
  await keys('ArrowDown', 'ArrowDown', 'm');
  const item = () => page.evaluate(() => document.activeElement.textContent);
  assert.equal(await item(), 'Focus on function');
  await keys('ArrowUp');
  assert.equal(await item(), 'Copy stack');
  await keys('Home', 'd');
  assert.equal(await item(), 'Drop all stacks with it');
  await keys('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'tree');
  assert.deepEqual(await crumbs(), []);
});

test('names and stacks are copied', async () => {
  await keys('ArrowDown', 'ArrowDown', 'ArrowDown', 'm', 'End', 'Enter');
  await page.locator('.status', {hasText: 'Stack copied'}).waitFor();
  const lines = (await clipboard()).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.ok(lines[0].startsWith(await cursorName()), lines[0]);
  await keys('m', 'End', 'ArrowUp', 'Enter');
  await page.locator('.status', {hasText: 'Name copied'}).waitFor();
  assert.ok(lines[0].startsWith(await clipboard()));
});

test('each form is another picture and another URL', async () => {
  const seen = new Set([await picture()]);
  for (const [key, name, value] of [['i', 'form', 'flame'], ['i', 'form', undefined], ['v', 'inverted', '1'], ['v', 'inverted', undefined], ['o', 'order', 'time'],
    ['o', 'order', undefined], ['c', 'colour', 'kind'], ['c', 'colour', 'cost'], ['c', 'colour', undefined]]) {
    await keys(key);
    assert.equal((await state())[name], value, `${key}: ${name}`);
    if (value) assert.ok(!seen.has(await picture()), `${name}=${value}`);
    else assert.ok(seen.has(await picture()), `${name} as it was`);
    seen.add(await picture());
  }
  await page.getByRole('combobox', {name: 'Row height'}).selectOption('compact');
  assert.ok(!seen.has(await picture()));
  await keys('o');
  await open((await page.evaluate(() => location.hash)).slice(1));
  assert.equal((await state()).order, 'time');
});

test('in order of time a click zooms to the run that is clicked at', async () => {
  await keys('o');
  const names = [];
  for (const x of [300, 900]) {
    await page.mouse.click(...await atRow(2, x));
    names.push(`${(await state()).zoom} ${(await state())['x.flame.runs'] || ''}`);
    assert.match(await status(), /^Zoomed/);
    await keys('0');
  }
  assert.notEqual(names[0], names[1]);
});

test('two recordings: what changed, vanished and is new; and side by side', async () => {
  await open('view=flame&metric=cpu', 'compare');
  assert.equal((await state()).compare, undefined);
  const changeOf = async (name) => {
    await page.getByRole('searchbox').fill(`^${name}$`);
    await keys('Enter');
    return cursor();
  };
  assert.match(await changeOf('Physics::step'), /, \+\d.*\(\+\d+\.\d%\), game$/);
  assert.match(await changeOf('find_path'), /, vanished, game$/);
  await page.locator('.flame-graph').focus();
  await keys('Escape');
  assert.equal((await state()).search, undefined);
  await page.getByRole('radio', {name: 'Side by side'}).click();
  assert.equal(await page.getByRole('tree').count(), 2);
  await page.getByRole('tree').nth(1).focus();
  await keys('ArrowDown', 'Enter');
  assert.equal(await zoomed(), 1);
});
