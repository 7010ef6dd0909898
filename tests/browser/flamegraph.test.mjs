// SPDX-License-Identifier: Apache-2.0
// The flame graph as its user meets it. fixture.cc has the stacks; their values add up to 1000 ms.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import {after, before, beforeEach, afterEach, test} from 'node:test';
import {chromium} from 'playwright-core';

const kArguments = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
let browser;
let page;
let errors;

before(async () => {
  browser = await chromium.launch({executablePath: process.env.CHROMIUM, args: kArguments});  // in a fresh profile folder
});
after(() => browser.close());
beforeEach(async () => {
  page = await browser.newPage({viewport: {width: 1220, height: 700}, colorScheme: 'light'});
  page.setDefaultTimeout(10_000);
  errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('request', (request) => { if (!request.url().startsWith('file:')) errors.push('request: ' + request.url()); });
  await open('game');
});
afterEach(async () => {
  await page.close();
  assert.deepEqual(errors, []);
});

const open = (name) => page.goto(`file://${process.env.PAGES}/${name}.svg`);
const frame = (label) => page.locator(`.f[aria-label^="${label}"]`);
// {name: width as a part of the whole} of the drawn frames; of several of a name, the sum.
const widths = () => page.evaluate(() => {
  const found = {};
  const whole = document.querySelector('.f rect').getBBox().width;
  for (const each of document.querySelectorAll('.f')) {
    const name = each.getAttribute('aria-label').split(', ')[0];
    found[name] = (found[name] || 0) + each.querySelector('rect').getBBox().width / whole;
  }
  return found;
});
const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 0.005, `${actual} is not about ${expected}`);
const matched = () => page.locator('.matches').textContent();
const rowOf = async (label) => (await frame(label).first().boundingBox()).y;

test('frames are as wide as their part of the whole', async () => {
  const found = await widths();
  near(found.all, 1);
  near(found['game [100]'], 0.79);
  near(found['asset-packer [200]'], 0.21);
  near(found.worker, 0.5);
  near(found.update, 0.16);
  near(found['[kernel]'], 0.1);
});

test('a click zooms, Back and Reset undo it', async () => {
  await frame('worker').click();
  near((await widths()).worker, 1);
  await frame('fold').first().click();
  near((await widths()).parse, 1);
  await page.getByRole('button', {name: 'Back'}).click();
  near((await widths()).worker, 1);
  near((await widths()).parse, 0.24);
  await page.getByRole('button', {name: 'Reset zoom'}).click();
  near((await widths()).worker, 0.5);
  assert.ok(await page.getByRole('button', {name: 'Reset zoom'}).evaluate((button) => button.disabled));
});

test('a click on a frame above the zoomed one zooms out to it', async () => {
  await frame('update').click();
  await frame('main, 29').click();
  near((await widths()).update, 160 / 290);
});

test('search shows the part matched, nested matches once, by regular expression', async () => {
  const search = page.getByRole('searchbox');
  await search.fill('^parse$');
  assert.match(await matched(), /^28\.0% matched, 2 frames$/);
  assert.equal(await page.locator('.f.hit').count(), 2);
  await search.fill('PARSE');  // a capital letter: case matters
  assert.match(await matched(), /^0\.00% matched, 0 frames$/);
  await search.fill('fold|parse');
  assert.match(await matched(), /^28\.0% matched, 5 frames$/);
  await search.fill('draw(');  // no regular expression
  assert.match(await matched(), /^38\.0% matched.*literally/);
  await search.fill('');
  assert.equal(await matched(), '');
  assert.equal(await page.locator('.f.hit').count(), 0);
});

test('search and steps through matches with the keyboard', async () => {
  await page.keyboard.press('/');
  await page.keyboard.type('parse');
  await page.keyboard.press('Enter');
  assert.match(await matched(), /1 of 2/);
  await page.keyboard.press('n');
  assert.match(await matched(), /2 of 2/);
  await page.keyboard.press('n');
  assert.match(await matched(), /1 of 2/);
  await page.keyboard.press('N');
  assert.match(await matched(), /2 of 2/);
  await page.keyboard.press('Escape');
  assert.equal(await matched(), '');
});

test('arrows walk, Enter zooms, Escape, 0 and Backspace go back', async () => {
  const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label').split(', ')[0]);
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'game [100]');
  await page.keyboard.press('ArrowRight');
  assert.equal(await focused(), 'asset-packer [200]');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(), 'clone');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  near((await widths()).worker, 1);
  await page.keyboard.press('Escape');
  near((await widths()).worker, 500 / 500);  // zoomed to its caller, clone
  await page.keyboard.press('0');
  near((await widths()).worker, 0.5);
  await page.keyboard.press('Backspace');
  near((await widths()).worker, 1);
});

test('? shows the keys and Escape closes them', async () => {
  await page.keyboard.press('?');
  assert.ok(await page.getByRole('dialog').isVisible());
  await page.keyboard.press('Escape');
  assert.ok(!(await page.locator('#panel').isVisible()));
});

test('icicle grows down, flame up, bottom-up starts with the functions that burn time', async () => {
  assert.ok(await rowOf('all') < await rowOf('worker'));
  await page.getByRole('button', {name: 'Flame'}).click();
  assert.ok(await rowOf('all') > await rowOf('worker'));
  await page.getByRole('button', {name: 'Bottom-up'}).click();
  const first = await page.locator('.f').nth(1).getAttribute('aria-label');
  assert.match(first, /^parse, 28\.0%, 280 ms, game$/);
  assert.ok(await rowOf('update') > await rowOf('parse'));
  await frame('parse').click();
  near((await widths()).update, 160 / 280);
  await page.keyboard.press('i');
  near((await widths()).worker, 0.5);
});

test('recursion folds into one frame and unfolds again', async () => {
  const folds = () => frame('fold').count();
  assert.equal(await folds(), 3);
  await page.keyboard.press('f');
  assert.equal(await folds(), 1);
  near((await widths()).parse, 0.28);
  await frame('fold').hover();
  assert.match(await page.locator('#tooltip').textContent(), /calls itself, 3 deep.*total120 ms12\.0%self0 ns/);
  await page.getByRole('button', {name: 'Bottom-up'}).click();
  assert.equal(await folds(), 1);
  near((await widths()).fold, 0.12);
  await page.getByRole('button', {name: 'Fold recursion'}).click();
  assert.equal(await folds(), 3);
});

test('deep recursion is folded from the start', async () => {
  await open('deep');
  assert.ok(await page.locator('.f').count() < 10);
  assert.match(await frame('again').first().getAttribute('aria-label'), /^again, 100/);
});

test('filters by process, thread and time', async () => {
  await page.getByLabel('process').selectOption({label: 'asset-packer (200)'});
  near((await widths()).deflate, 200 / 210);
  assert.equal((await widths()).worker, undefined);
  await page.getByLabel('process').selectOption({label: 'game (100)'});
  assert.equal(await page.getByLabel('thread', {exact: true}).locator('option').count(), 4);
  await page.getByLabel('thread', {exact: true}).selectOption({label: 'render-2 (102)'});
  near((await widths())['[kernel]'], 100 / 220);
  await page.getByRole('button', {name: 'Clear filters'}).click();
  near((await widths())['[kernel]'], 0.1);

  await page.getByLabel('to second').fill('0.05');
  await page.getByLabel('to second').press('Enter');
  near((await widths()).update, 150 / 470);
  assert.equal((await widths()).deflate, undefined);
});

test('dragging over the time line filters by time', async () => {
  const box = await page.locator('.timeline').boundingBox();
  await page.mouse.move(box.x + box.width * 0.51, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.99, box.y + 10);
  await page.mouse.up();
  assert.equal(await page.getByLabel('from second').evaluate((input) => input.value), '0.05');
  near((await widths()).deflate, 200 / 530);
  await page.locator('.timeline').dblclick();
  near((await widths()).deflate, 0.2);
});

test('a zoom survives a filter', async () => {
  await frame('worker').click();
  await page.getByLabel('thread', {exact: true}).selectOption({label: 'render-1 (101)'});
  near((await widths()).worker, 1);
  near((await widths()).submit, 80 / 280);
});

test('the tooltip says what is known', async () => {
  await frame('update').hover();
  const text = await page.locator('#tooltip').textContent();
  for (const part of ['update', 'game', 'inlined', '/src/update.h:', 'total160 ms16.0%', 'self0 ns0.00%']) assert.ok(text.includes(part), `${part} in ${text}`);
  await frame('main').last().hover();
  assert.match(await page.locator('#tooltip').textContent(), /function, total490 ms49\.0%/);
  await page.mouse.move(600, 690);
  assert.ok(!(await page.locator('#tooltip').isVisible()));
});

test('a heap is told in bytes and blocks', async () => {
  await open('heap');
  near((await widths()).load, 0.75);
  assert.match(await page.locator('.summary').textContent(), /4\.00 MiB allocated over 100 ms, 1,036 allocations/);
  await frame('load').hover();
  assert.match(await page.locator('#tooltip').textContent(), /total3\.00 MiB75\.0%.*allocations12256 KiB each/);
  await page.getByRole('button', {name: 'Bottom-up'}).click();
  await frame('index').hover();
  assert.match(await page.locator('#tooltip').textContent(), /allocations1,0241\.00 KiB each/);
});

test('frames under a pixel are left out, and counted', async () => {
  assert.match(await page.locator('.left-out').textContent(), /^3 frames under a pixel left out of this file$/);
  assert.equal(await frame('tiny').count(), 0);
  assert.ok(!fs.readFileSync(`${process.env.PAGES}/game.svg`, 'utf8').includes('tiny'));
});

test('module, kernel, JIT, inlined and marker frames have colours of their own', async () => {
  const colours = {};
  for (const name of ['worker', 'clone', '[kernel]', '~think', 'update', '[startup]', 'game [100]']) {
    colours[await frame(name).first().locator('rect').evaluate((rect) => getComputedStyle(rect).fill)] = name;
  }
  assert.equal(Object.keys(colours).length, 7);
  assert.match(await page.locator('.legend').textContent(), /game.*libc\.so\.6.*inlined.*kernel.*JIT/);
});

test('dark where the system is dark, and by the button', async () => {
  const background = () => page.locator('.background').evaluate((rect) => getComputedStyle(rect).fill);
  const light = await background();
  await page.keyboard.press('d');
  const dark = await background();
  assert.notEqual(light, dark);
  await page.keyboard.press('d');
  assert.equal(await background(), light);
  await page.emulateMedia({colorScheme: 'dark'});
  assert.equal(await background(), light);  // chosen by hand
  await open('game');
  assert.equal(await background(), dark);
});

test('the graph fills a window of another size', async () => {
  await page.setViewportSize({width: 800, height: 600});
  near((await page.locator('.f rect').first().boundingBox()).width / 780, 1);
});

test('without script there is a picture, in both themes', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({javaScriptEnabled: false, colorScheme});
    const still = await context.newPage();
    await still.goto(`file://${process.env.PAGES}/game.svg`);
    const label = still.locator('#picture text', {hasText: 'worker'});
    assert.ok(await label.isVisible());
    assert.ok((await still.locator('#picture path.kb, #picture path.ka, #picture path.kc').boundingBox()).width > 100);
    await context.close();
  }
});

test('names cannot break out of the page', async () => {
  await open('hostile');
  assert.equal(await page.evaluate(() => window.broken), undefined);
  const labels = await page.locator('.f').evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')));
  assert.ok(labels.some((label) => label.startsWith(']]></script><script>window.broken=2</script>')));
  await frame(']]>').hover();
  assert.match(await page.locator('#tooltip').textContent(), /<script>/);
  await page.getByRole('button', {name: 'Quality'}).click();
  assert.match(await page.getByRole('dialog').textContent(), /<script>window\.broken=4<\/script>/);
  assert.equal(await page.evaluate(() => window.broken), undefined);
});

test('a difference is painted by what changed, with what is new and gone', async () => {
  await open('difference');
  const classes = () => page.locator('.f').evaluateAll((all) => Object.fromEntries(all.map((each) =>
    [each.getAttribute('aria-label').split(', ')[0], each.querySelector('rect').getAttribute('class')])));
  const icicle = await classes();
  assert.match(icicle.slower, /^up[4-8]$/);
  assert.match(icicle.faster, /^down[4-8]$/);
  assert.match(icicle.fresh, /^up[4-8]$/);
  assert.deepEqual([icicle.old, icicle.steady, icicle.main], ['gone', 'even', 'even']);
  assert.equal(await page.locator('.f text', {hasText: '+ fresh'}).count(), 1);
  assert.equal(await page.locator('.f text', {hasText: '- old'}).count(), 1);
  near((await widths()).old, 100 / 1610);
  await frame('slower').hover();
  assert.match(await page.locator('#tooltip').textContent(), /base200 ms25\.0%new400 ms49\.4%change\+200 ms, \+100\.0%/);
  await frame('steady').hover();
  assert.match(await page.locator('#tooltip').textContent(), /may be chance/);
  await page.getByRole('button', {name: 'Bottom-up'}).click();
  const {all, main, ...functions} = icicle;
  for (const [name, painted] of Object.entries(functions)) assert.equal((await classes())[name], painted, name);
  // The picture without a script is painted alike.
  const context = await browser.newContext({javaScriptEnabled: false});
  const still = await context.newPage();
  await still.goto(`file://${process.env.PAGES}/difference.svg`);
  for (const painted of [icicle.slower, icicle.faster, 'gone', 'even']) assert.equal(await still.locator(`#picture path.${painted}`).count(), 1, painted);
  assert.ok(await still.locator('#picture text', {hasText: '- old'}).isVisible());
  await context.close();
});
