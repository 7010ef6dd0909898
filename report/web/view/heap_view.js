// SPDX-License-Identifier: Apache-2.0
// The heap in numbers: totals, allocations by size and by lifetime, and the places outside of libraries that cause them,
// of the range, process, thread and, if asked for, the function that is looked at.

import {button, choiceGroup, el, fill} from './dom.js';
import {bytesText, countText, percentText, timeText} from './format.js';
import {shorten} from './flame_text.js';
import {heapPlaces, HeapNumbers, pathsThrough, placesOfPaths} from './heap_numbers.js';
import {blocksText} from './leak_rows.js';
import {metricOf, valueText} from './metrics.js';
import {moodIcon} from './moods.js';
import {PlaceMenus} from './place_menus.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./recording.js').Recording} Recording */

const kHeapPlacesShown = 30;
const kHeapCallersShown = 5;
const kNameRoom = 64;  // characters

/** @type {import('./page.js').View} */
export const kHeapView = {
  name: 'heap', title: 'Heap', key: '6',
  offered: ({model}) => model.recordings.some((recording) => recording.has('allocated')),
  prepare: (model, state) => (model.recordings[0].has('allocated') ? [() => placesOf(model), () => heapOf(model, {...state, metric: 'allocated'}, 0, -1)] : []),
  make: (context) => new HeapView(context),
};

class HeapView {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    const {store} = context;
    this.unit = choiceGroup('Histograms of', [{value: '', text: 'Allocations'}, {value: 'bytes', text: 'Bytes'}], (unit) => store.setExtra('heap.unit', unit));
    this.scope = el('span', {});
    this.scopeOf = -1;  // the function that it offers
    /** @type {ReturnType<typeof choiceGroup>|null} */
    this.scopeChoice = null;
    this.content = el('div', {});
    this.element = el('div', {class: 'reports'}, el('div', {class: 'report'}, el('div', {class: 'row'}, this.unit.element, this.scope), this.content));
    this.drawn = '';
    this.menus = new PlaceMenus(context);
    this.menus.listen(this.element);
    this.keys = [this.menus.key, {key: 'b', text: 'allocations or bytes', action: () => store.setExtra('heap.unit', store.state.extra['heap.unit'] ? '' : 'bytes')}];
  }

  /** @param {ViewState} state */
  update(state) {
    const metric = metricOf(state.metric).heap && state.metric !== 'leaked' ? state.metric : 'allocated';
    const func = state.extra['heap.scope'] === 'function' && state.func >= 0 && state.func < this.context.functions.count ? state.func : -1;
    const text = JSON.stringify([metric, func, state.func, state.ranges, state.process, state.thread, state.extra['heap.unit']]);
    if (text === this.drawn) return;
    this.drawn = text;
    this.unit.update(state.extra['heap.unit'] || '');
    this.showScope(state, func);
    const {model} = this.context;
    fill(this.content, ...model.recordings.flatMap((recording, which) => {
      if (!recording.has('allocated')) return [];
      const {numbers, places} = heapOf(model, {...state, metric}, which, func);
      return [
        model.recordings.length > 1 ? el('h2', {}, recording.meta.title) : el('h2', {class: 'unseen'}, 'Heap'),
        ...estimateNote(recording), totals(numbers), histograms(numbers, state.extra['heap.unit'] === 'bytes'),
        ...this.placesTable(recording, places, metric),
      ];
    }));
  }

  // What the numbers are of, beside the range and the filters that the page shows.
  /** @param {ViewState} state @param {number} func */
  showScope(state, func) {
    const {functions, store} = this.context;
    if (this.scopeOf !== state.func) {
      this.scopeOf = state.func;
      const isFunction = state.func >= 0 && state.func < functions.count;
      this.scopeChoice = choiceGroup('Of', [{value: '', text: 'All call paths'},
        {value: 'function', text: isFunction ? `Through ${shorten(functions.name(state.func), kNameRoom)}` : ''}], (value) => store.setExtra('heap.scope', value));
      fill(this.scope, isFunction ? this.scopeChoice.element : null);
    }
    this.scopeChoice?.update(func >= 0 ? 'function' : '');
  }

  /** @param {Recording} recording @param {ReturnType<typeof heapPlaces>} places @param {string} metric */
  placesTable(recording, {first, count, total}, metric) {
    const {functions, store} = this.context;
    if (total === 0) return [];
    const rows = first.map(({path, func, call, value}) => {
      const stack = recording.paths.stackOf(path);
      const callers = stack.slice(0, -1).reverse().filter((f) => functions.kind(f) !== 'process');
      const name = functions.name(func);
      const line = functions.line(func);
      return this.menus.mark(el('tr', {},
          el('td', {class: 'number'}, percentText(value / total)), el('td', {class: 'number'}, valueText(metric, value)),
          el('td', {class: 'wide'},
              el('div', {class: 'place'}, el('code', {class: 'place-name', title: name}, shorten(name, kNameRoom)), line ? el('span', {class: 'dim', title: functions.file(func)}, `${functions.file(func).split('/').pop()}:${line}`) : null,
                  call >= 0 ? el('span', {}, 'calls ', el('code', {title: functions.name(call)}, shorten(functions.name(call), kNameRoom))) : null,
                  el('span', {class: 'links'},
                      button('Flame graph', () => store.set({view: 'flame', metric, func, zoom: [], transforms: [{type: 'focus-subtree', path: stack}]}),
                          {'class': 'small', 'aria-label': `Flame graph of ${name} as called here`}),
                      button('Callers', () => store.set({view: 'sandwich', metric, func}), {'class': 'small', 'aria-label': `Callers of ${name}`}))),
              callers.length > 0 ? el('div', {class: 'callers'}, callers.slice(0, kHeapCallersShown).map((f) => `‹ ${shorten(functions.name(f), kNameRoom)}`).join('  ')) : null)), {func, path: stack});
    });
    return [
      el('h3', {}, `Places in the program by ${metricOf(metric).title.toLowerCase()}`, el('span', {class: 'dim'}, '  outside of libraries; the metric is chosen above')),
      el('table', {class: 'places-table'},
          el('thead', {}, el('tr', {}, el('th', {class: 'number', scope: 'col'}, 'Share'), el('th', {class: 'number', scope: 'col'}, metricOf(metric).title), el('th', {scope: 'col'}, 'Place'))),
          el('tbody', {}, ...rows)),
      count > kHeapPlacesShown ? el('p', {class: 'dim'}, `and ${countText(count - kHeapPlacesShown)} more places; the function table has them all`) : el('span', {}),
    ];
  }
}

/** @typedef {import('./model.js').Model} Model */
/** @param {Model} model */
function placesOf(model) {
  return model.once('places of paths', () => placesOfPaths(model.functions, model.paths));
}

/** @param {Model} model @param {ViewState} state @param {number} which recording @param {number} func -1: all call paths */
function heapOf(model, state, which, func) {
  const recording = model.recordings[which];
  const filter = model.filter(state, which);
  const selfOf = (/** @type {string} */ metric) => model.selfValues(recording, {...state, metric}, which);
  const scope = model.keep(['through', func], () => pathsThrough(model.paths, func));
  return {
    numbers: model.keep(['heap', which, filter, func], () => new HeapNumbers(recording, filter, scope, selfOf)),
    places: model.keep(['heap-places', which, state.metric, filter, func],
        () => heapPlaces(model.paths, selfOf(state.metric).value, scope, placesOf(model), kHeapPlacesShown)),
  };
}

/** @param {Recording} recording @returns {Node[]} */
function estimateNote({meta}) {
  if (meta.heap !== 'sampled') return [];
  const heap = meta.heap_summary;
  const exact = heap && heap.confidence_95 ? ` Of the whole run: ${countText(heap.allocations)} ± ${countText(heap.confidence_95.allocations)} allocations, ` +
      `${bytesText(heap.allocated_bytes)} ± ${bytesText(heap.confidence_95.allocated_bytes)} (95 % confidence).` : '';
  return [el('p', {class: 'note'}, moodIcon('note'),
      `Estimates: one in about ${heap ? bytesText(heap.sample_bytes) : 'some'} of the bytes allocated was sampled, and each sample stands for many allocations. Small numbers are mostly chance.${exact}`)];
}

/** @param {HeapNumbers} numbers */
function totals(numbers) {
  const tile = (/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ more) =>
    el('div', {class: 'tile'}, el('dt', {}, name), el('dd', {}, value, el('span', {class: 'dim'}, more)));
  return el('dl', {class: 'tiles'},
      tile('Allocated', bytesText(numbers.allocatedBytes), `${countText(numbers.allocations)} allocations`),
      tile('Freed', countText(numbers.deallocations), 'deallocations'),
      tile('Temporary', percentText(numbers.allocations > 0 ? numbers.temporary / numbers.allocations : 0), 'freed before the thread’s next allocation'),
      tile('Peak', bytesText(numbers.peakBytes), numbers.peakTime >= 0 ? `at ${timeText(numbers.peakTime)}` : numbers.peakBytes > 0 ? 'each process at its own' : ''),
      tile('Live at the end', bytesText(numbers.liveBytes), blocksText(numbers.liveBlocks)));
}

/** @param {HeapNumbers} numbers @param {boolean} bytes */
function histograms(numbers, bytes) {
  const sizes = numbers.sizes().map(({label, allocations, bytes: size}) => ({label, value: bytes ? size : allocations}));
  const lived = numbers.lived().map(({label, blocks}) => ({label, value: blocks}));
  return el('div', {class: 'histograms'},
      histogram('By size', 'size requested', bytes ? 'bytes' : 'allocations', sizes, bytes ? bytesText : countText, ''),
      histogram('By lifetime', 'freed after', 'blocks', lived, countText, bytes ? 'Lifetimes are counted in blocks.' : ''));
}

/** @param {string} title @param {string} what @param {string} unit @param {{label: string, value: number}[]} classes @param {(value: number) => string} text @param {string} note */
function histogram(title, what, unit, classes, text, note) {
  const all = classes.reduce((sum, {value}) => sum + value, 0);
  const most = classes.reduce((greatest, {value}) => Math.max(greatest, value), 0);
  if (all === 0) return el('section', {}, el('h3', {}, title), el('p', {class: 'dim'}, 'nothing in this selection'));
  return el('section', {}, el('h3', {}, title),
      el('table', {class: 'histogram'},
          el('thead', {}, el('tr', {}, el('th', {scope: 'col', class: 'number'}, what), el('th', {scope: 'col', class: 'number'}, unit), el('th', {scope: 'col', class: 'number'}, 'share'), el('th', {scope: 'col'}, el('span', {class: 'unseen'}, 'bar')))),
          el('tbody', {}, ...classes.map(({label, value}) => el('tr', {},
              el('th', {scope: 'row', class: 'number'}, label), el('td', {class: 'number'}, text(value)), el('td', {class: 'number'}, value > 0 ? percentText(value / all) : ''),
              el('td', {class: 'bar-cell'}, value === 0 ? null : el('i', {'class': 'bar', 'aria-hidden': 'true', 'style': `width:${(100 * value / most).toFixed(2)}%`})))))),
      note ? el('p', {class: 'dim'}, note) : null);
}
