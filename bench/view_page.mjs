// SPDX-License-Identifier: Apache-2.0
// node view_page.mjs PAGE PACKAGES ROUNDS: opens a page of `flarestack view` in Chromium and prints as JSON how long it
// takes until it is shown, and until each of its changes is painted. PACKAGES: a folder with npm's playwright-core.
import {createRequire} from 'node:module';

const [page_file, packages, rounds] = process.argv.slice(2);
const {chromium} = createRequire(`${packages}/package.json`)('playwright-core');

// What a person does, as states of the page: each is reached from the one before it.
const kChanges = [
  ['flame graph', 'view=flame&metric=cpu'],
  ['inverted', 'view=flame&metric=cpu&inverted=1'],
  ['time-ordered', 'view=flame&metric=cpu&order=time'],
  ['another metric', 'view=flame&metric=allocated'],
  ['a range of time', 'view=flame&metric=cpu&range=20000000000-30000000000'],
  ['a range in it', 'view=flame&metric=cpu&range=20000000000-30000000000,22000000000-24000000000'],
  ['one thread', 'view=flame&metric=cpu&thread=3'],
  ['search', 'view=flame&metric=cpu&search=step_12'],
  ['merge a function', 'view=flame&metric=cpu&transforms=2:40'],
  ['drop a function', 'view=flame&metric=cpu&transforms=3:40'],
  ['focus on a function', 'view=flame&metric=cpu&transforms=0:40'],
  ['call tree', 'view=tree&metric=cpu'],
  ['functions', 'view=functions&metric=cpu'],
  ['functions by name', 'view=functions&metric=cpu&sort=name'],
  ['sandwich', 'view=sandwich&metric=cpu&func=40'],
  ['source', 'view=source&metric=cpu&func=40'],
  ['heap', 'view=heap&metric=allocated'],
  ['summary', 'view=summary&metric=cpu'],
];

const kLookMs = 1000;  // at a page that was just opened, before the first change

async function shown(browser) {
  const page = await browser.newPage({viewport: {width: 1600, height: 900}});
  await page.goto(`file://${page_file}`, {timeout: 60_000});
  await page.waitForSelector('html[data-ready]', {timeout: 60_000});
  const ms = await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve({
    painted: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN,
    ready: performance.now(),
  })))));
  await page.waitForTimeout(kLookMs);
  return {page, ms};
}

// From the change of the fragment to the frame that shows it.
const change = (page, fragment) => page.evaluate((to) => new Promise((resolve) => {
  const start = performance.now();
  addEventListener('popstate', () => requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start))), {once: true});
  location.hash = to;
}), fragment);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run'],
});
const result = {painted: [], ready: [], changes: Object.fromEntries(kChanges.map(([name]) => [name, []])), again: {}};
for (const [name] of kChanges) result.again[name] = [];
for (let round = 0; round < Number(rounds); round++) {
  const {page, ms} = await shown(browser);
  result.painted.push(ms.painted);
  result.ready.push(ms.ready);
  for (const times of [result.changes, result.again]) {
    for (const [name, fragment] of kChanges) times[name].push(await change(page, fragment));
  }
  await page.close();
}
await browser.close();
console.log(JSON.stringify(result));
