// SPDX-License-Identifier: Apache-2.0
// Begins: reads the recordings that the page carries, and shows them as the URL says.
import {makeCompareBar} from './compare_bar.js';
import {el} from './dom.js';
import {makeFilterBar} from './filter_bar.js';
import {kFlameView} from './flame_view.js';
import {Functions} from './functions.js';
import {kFunctionsView} from './functions_view.js';
import {kHeapView} from './heap_view.js';
import {kLeaksView} from './leaks_view.js';
import {Model} from './model.js';
import {Page} from './page.js';
import {Paths} from './paths.js';
import {decodePayload} from './payload.js';
import {kQualityView} from './quality_view.js';
import {Recording} from './recording.js';
import {kSandwichView} from './sandwich_view.js';
import {kSourceView} from './source_view.js';
import {defaultState, stateFromFragment, stateToFragment, Store} from './state.js';
import {kSummaryView} from './summary_view.js';
import {makeTimeline} from './timeline.js';
import {kTreeView} from './tree_view.js';

/** @type {import('./page.js').View[]} */
const kViews = [
  kSummaryView, kFlameView, kTreeView, kFunctionsView, kSandwichView, kSourceView, kHeapView, kLeaksView, kQualityView,
];

/** @type {((context: import('./page.js').Context) => import('./page.js').Part)[]} */
const kBars = [makeTimeline, makeCompareBar, makeFilterBar];

const kIdleMs = 8;  // at a time, where the browser does not say

export async function start() {
  const scripts = [...document.querySelectorAll('script[type="application/octet-stream"]')];
  const payloads = await Promise.all(scripts.map((each) => decodePayload(each.textContent || '')));
  scripts.forEach((each) => each.remove());
  const stacks = Math.max(...payloads.map((each) => each.column('stack.parent').length), 0);
  const [functions, paths] = [new Functions(), new Paths(stacks + 2)];
  const recordings = payloads.map((payload) => new Recording(payload, functions, paths));
  const model = new Model(recordings, functions, paths);

  const defaults = {...defaultState(), metric: recordings[0].meta.default_metric};
  const {from_ns: from, to_ns: to} = recordings[0].meta;  // asked for on the command line
  if ((from ?? to ?? null) !== null) defaults.ranges = [{from: from ?? 0, to: to ?? recordings[0].durationNs}];
  if (recordings.length > 1) defaults.compare = 'difference';
  const store = new Store(stateFromFragment(location.hash, defaults), (state, push) => {
    const url = `#${stateToFragment(state, defaults)}`;
    if (push) history.pushState(null, '', url);
    else history.replaceState(null, '', url);
  });
  addEventListener('popstate', () => {
    store.undos.pop();
    store.replace(stateFromFragment(location.hash, defaults), false);
  });
  document.getElementById('loading')?.remove();
  new Page(model, store, kViews, kBars);
  document.documentElement.dataset.ready = 'true';
  prepare(model, defaults);
}

// What takes a moment is found out before somebody asks for it, a few ms at a time.
/** @param {Model} model @param {import('./state.js').ViewState} state */
function prepare(model, state) {
  const steps = kViews.flatMap((view) => (view.prepare ? view.prepare(model, state) : []));
  whenIdle((enough) => {
    for (let step = steps.shift(); step; step = steps.shift()) {
      step();
      if (enough()) return false;
    }
    return !model.canBeInTime(state) || model.timeOrder(state, 0).work(enough);
  });
}

/** @param {(enough: () => boolean) => boolean} work told when it is enough for now, and returns whether it is done */
function whenIdle(work) {
  const again = () => whenIdle(work);
  if ('requestIdleCallback' in window) requestIdleCallback((deadline) => work(() => deadline.timeRemaining() < 1) || again());
  else setTimeout(() => work(slice(kIdleMs)) || again(), 4 * kIdleMs);  // Safari has none
}
/** @param {number} ms */
function slice(ms) {
  const end = performance.now() + ms;
  return () => performance.now() > end;
}

export function main() {
  start().catch((error) => {
    const loading = document.getElementById('loading');
    const text = `This page could not be shown: ${error instanceof Error ? error.message : error}`;
    if (loading) loading.textContent = text;
    else document.body.append(el('p', {class: 'bad', role: 'alert'}, text));
    console.error(error);
  });
}
