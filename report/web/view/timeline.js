// SPDX-License-Identifier: Apache-2.0
// The timeline above the views. Dragging over it takes a range, which all views then are of; it shows that range alone
// from then on, so ranges nest, and Escape leads back.

import {button, choiceGroup, el, fill} from './dom.js';
import {timeText} from './format.js';
import {heapSeries, mostPerBin, residentSeries} from './memory_series.js';
import {kThreadStates} from './thread_states.js';
import {regionBins} from './region_lanes.js';
import {rangeText} from './time_scale.js';
import {TimelineCells} from './timeline_cells.js';
import {TimelineGutter} from './timeline_gutter.js';
import {TimelineInput} from './timeline_input.js';
import {layOutTimeline, rowAt} from './timeline_layout.js';
import {MarkButtons} from './timeline_mark_buttons.js';
import {timelineMarks} from './timeline_marks.js';
import {paintAxis, paintLane, paintMemory, paintProcesses, paintProcessors, sizedCanvas, timelineColours} from './timeline_paint.js';
import {cursorText, describeRow, timelineTooltip} from './timeline_text.js';

/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./page.js').Context} Context */
/** @typedef {{from: number, to: number}} TimeRange */

const kAxisHeight = 30;
const kManySamples = 200_000;
const kAnswersKept = 48;  // of about a dozen zoom levels

export class Timeline {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    /** @type {TimelineCells[]} of each recording, once it is shown */
    this.cellsOf = [];
    /** @type {Map<string, any>} what was computed, by what it depends on */
    this.answers = new Map();
    this.axis = el('canvas', {class: 'timeline-axis', 'aria-hidden': 'true'});
    this.canvas = el('canvas', {'aria-hidden': 'true'});
    this.gutter = new TimelineGutter(context);
    this.marks = new MarkButtons(context);
    this.input = new TimelineInput(this);
    this.rangeText = el('span', {class: 'dim'});
    this.legend = el('span', {class: 'timeline-legend'});
    this.choice = choiceGroup('Recording of the timeline', [{value: '', text: 'Base'}, {value: '1', text: 'New'}], (which) => context.store.setExtra('timeline.of', which, {push: false}));
    this.fold = button('', () => this.toggle(), {class: 'fold', title: 'fold or unfold (T)'});
    this.plot = el('div', {class: 'timeline-plot'}, this.canvas, this.input.element);
    this.body = el('div', {class: 'timeline-body'},
        el('div', {class: 'timeline-top'}, el('div', {class: 'timeline-corner'}, this.fold, this.rangeText), el('div', {class: 'timeline-axis-box'}, this.axis, this.marks.element)),
        el('div', {class: 'timeline-rows'}, this.gutter.element, this.plot));
    this.foot = el('div', {class: 'timeline-foot'}, this.legend, context.model.recordings.length > 1 ? this.choice.element : null);
    this.element = el('section', {class: 'timeline', 'aria-label': 'Timeline'}, this.body, this.foot);
    this.width = 0;
    this.hasWaited = false;
    new ResizeObserver(() => this.resize()).observe(this.plot);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    context.keys.bind('T', 'fold or unfold the timeline', () => this.toggle(), 'Timeline');
    context.keys.bind('l', 'go to the timeline; arrows move, with Shift select, Enter takes, + and - zoom', () => this.input.element.focus(), 'Timeline');
  }

  get state() { return this.context.store.state; }
  // Of two recordings, the one that is shown.
  get which() { return this.state.extra['timeline.of'] === '1' && this.context.model.recordings.length > 1 ? 1 : 0; }
  get recording() { return this.context.model.recordings[this.which]; }
  get outer() { return {from: 0, to: this.recording.durationNs}; }
  // What the views are of.
  /** @returns {TimeRange} */
  get range() { return this.state.ranges[this.state.ranges.length - 1] || this.outer; }
  // What is seen of it. A window is kept with how many ranges deep it was made: at another depth it means nothing.
  /** @returns {TimeRange} */
  get visible() {
    const match = /^(\d+):(\d+)-(\d+)$/.exec(this.state.extra['timeline.window'] || '');
    const {from, to} = this.range;
    if (!match || Number(match[1]) !== this.state.ranges.length) return {from, to};
    const window = {from: Math.max(from, Number(match[2])), to: Math.min(to, Number(match[3]))};
    return window.to > window.from ? window : {from, to};
  }
  /** @param {TimeRange} window */
  setVisible(window) {
    const {from, to} = this.range;
    const whole = window.from <= from && window.to >= to;
    this.context.store.setExtra('timeline.window', whole ? '' : `${this.state.ranges.length}:${Math.round(window.from)}-${Math.round(window.to)}`, {push: false});
  }
  /** @param {TimeRange} range */
  take(range) {
    this.context.store.set({ranges: [...this.state.ranges, {from: Math.round(range.from), to: Math.round(range.to)}]});
    this.context.announce(`Range ${rangeText(range)}`);
  }
  // One range back. @returns {boolean} there was one
  leave() {
    const {ranges} = this.state;
    if (ranges.length === 0) return false;
    this.context.store.set({ranges: ranges.slice(0, -1)});
    this.context.announce(ranges.length === 1 ? 'The whole recording' : 'One range back');
    return true;
  }
  showAll() {
    this.context.store.set({ranges: []});
    this.context.store.setExtra('timeline.window', '', {push: false});
  }
  toggle() {
    const folded = this.state.extra['timeline.folded'] === '1';
    this.context.store.setExtra('timeline.folded', folded ? '' : '1', {push: false});
  }

  resize() {
    const width = Math.floor(this.plot.clientWidth);
    if (width === this.width) return;
    this.width = width;
    this.draw();
  }

  /** @param {ViewState} state @param {ViewState} old */
  update(state, old) {
    if (state.extra['timeline.window'] && JSON.stringify(state.ranges) !== JSON.stringify(old.ranges)) {
      this.context.store.setExtra('timeline.window', '', {push: false});  // it was of the range before
      return;
    }
    const affected = /** @type {const} */ (['ranges', 'process', 'thread', 'theme']).some((key) => state[key] !== old[key]) ||
        JSON.stringify(state.extra) !== JSON.stringify(old.extra);
    if (affected || state === old) this.draw();
  }

  draw() {
    if (this.width === 0) return;
    const {recording, which, width} = this;
    if (!this.cellsOf[which] && this.canWait()) return;
    const cells = this.cellsOf[which] ??= new TimelineCells(recording, this.context.functions, this.context.model.paths);
    const {process, thread} = this.context.model.filter(this.state, which);
    const state = {...this.state, process, thread};
    const layout = this.layout = this.keep(['layout', process, thread, state.extra], () => layOutTimeline(recording, cells, state));
    const data = this.data = this.dataOf(layout, cells, state);
    const colours = timelineColours(this.element);
    const context = sizedCanvas(this.canvas, width, layout.height);
    for (const row of layout.rows) this.paintRow(context, row, data, colours, thread);
    paintProcesses(context, layout.rows, data.range, recording, process, colours);
    paintAxis(sizedCanvas(this.axis, width, kAxisHeight), width, kAxisHeight, data.range, recording.durationNs, colours);
    this.gutter.update(recording, layout, cells, state);
    this.marks.update(timelineMarks(recording, process, this.keep(['peak', process], () => mostPerBin(this.series(process).heap, this.outer, 1).peak)), data.range, width);
    this.input.update();
    this.showTexts(data.range, cells);
  }

  // The page is seen before a million samples are looked at.
  canWait() {
    if (this.hasWaited || this.recording.samples.stack.length < kManySamples) return false;
    this.hasWaited = true;
    requestAnimationFrame(() => setTimeout(() => {
      this.element.classList.remove('waits');
      this.draw();
    }));
    this.element.classList.add('waits');
    return true;
  }

  /** @param {CanvasRenderingContext2D} context @param {import('./timeline_layout.js').TimelineRow} row @param {import('./timeline_text.js').TimelineData} data @param {import('./timeline_paint.js').TimelineColours} colours @param {number} thread */
  paintRow(context, row, data, colours, thread) {
    const {bins} = data;
    if (row.kind === 'cpu') paintProcessors(context, row, bins, data.chosenLane, colours);
    else if (row.kind === 'memory') {
      const without = this.state.extra['timeline.without'];
      paintMemory(context, row, data.range, without === 'heap' ? null : data.heap, without === 'resident' ? null : data.resident, colours);
    } else if (row.kind === 'thread') {
      const chosen = thread === -1 || thread === row.index;
      paintLane(context, row, bins.bins, (state, bin) => bins.part(row.lane, state, bin), 1, chosen ? colours.states : colours.dimmed);
    } else if (row.kind === 'region') {
      const threads = data.regions.get(row.index) || new Float64Array(bins.bins);
      paintLane(context, row, bins.bins, (_, bin) => threads[bin], threads.reduce((most, each) => Math.max(most, each), 1), colours.region);
    } else if (row.kind === 'more-threads' && row.count > 0) {
      let most = 1;
      for (let bin = 0; bin < bins.bins; bin++) most = Math.max(most, bins.cpu(row.lane, bin));
      paintLane(context, row, bins.bins, (state, bin) => bins.part(row.lane, state, bin), most, colours.states.subarray(0, 2));
    }
  }

  /** @param {ReturnType<typeof layOutTimeline>} layout @param {TimelineCells} cells @param {ViewState} state @returns {import('./timeline_text.js').TimelineData} */
  dataOf(layout, cells, {process, thread}) {
    const {visible: range, width} = this;
    const count = Math.max(1, Math.floor(width / 2));
    const bins = this.keep(['bins', range, count, [...layout.laneOf]], () => cells.bin(range, count, layout.laneOf, layout.lanes));
    const memory = this.keep(['memory', range, width, process], () => {
      const {heap, resident} = this.series(process);
      return {heap: mostPerBin(heap, range, width), resident: mostPerBin(resident, range, width)};
    });
    const regions = new Map(layout.rows.filter(({kind}) => kind === 'region').map(({index}) =>
      [index, this.keep(['region', index, range, count, process, thread], () => regionBins(this.recording, index, {...this.state, process, thread}, range, count))]));
    return {range, bins, ...memory, regions, chosenLane: thread >= 0 && thread < layout.laneOf.length ? layout.laneOf[thread] : -1};
  }
  /** @param {number} process */
  series(process) {
    return this.keep(['series', process], () => ({heap: heapSeries(this.recording, process), resident: residentSeries(this.recording, process)}));
  }

  /** @template T @param {any[]} key @param {() => T} make @returns {T} */
  keep(key, make) {
    const text = JSON.stringify([this.which, ...key]);
    if (!this.answers.has(text)) {
      if (this.answers.size >= kAnswersKept) this.answers.delete(/** @type {string} */ (this.answers.keys().next().value));
      this.answers.set(text, make());
    }
    return this.answers.get(text);
  }

  /** @param {TimeRange} range @param {TimelineCells} cells */
  showTexts(range, cells) {
    const folded = this.state.extra['timeline.folded'] === '1';
    this.fold.textContent = folded ? '▸' : '▾';
    this.fold.setAttribute('aria-expanded', String(!folded));
    this.fold.setAttribute('aria-label', folded ? 'Unfold the timeline' : 'Fold the timeline');
    this.rangeText.textContent = rangeText(range);
    const used = this.keep(['states'], () => kThreadStates.filter((_, state) => cells.total.some((ns, i) => ns > 0 && i % kThreadStates.length === state)));
    fill(this.legend, ...used.map(({name, title, short}) => el('span', {title}, el('i', {class: `swatch state-${name}`}), short)));
    this.foot.hidden = folded || (used.length === 0 && this.context.model.recordings.length < 2);
    this.choice.update(this.which === 1 ? '1' : '');
  }

  /** @param {number} time @param {number} y @returns {Node[]} */
  tooltip(time, y) {
    const row = this.layout ? rowAt(this.layout.rows, y) : null;
    return timelineTooltip(time, row && this.data ? describeRow(this.recording, this.data, row, time) : null);
  }
  /** @param {number} time */
  cursorText(time) {
    const {layout, data} = this;
    if (!layout || !data) return timeText(time);
    const rows = layout.rows.filter(({kind, lane}) => kind === 'cpu' || kind === 'memory' || (kind === 'thread' && lane === data.chosenLane));
    return cursorText(time, rows.map((row) => describeRow(this.recording, data, row, time)));
  }
}

/** @param {Context} context @returns {import('./page.js').Part} */
export function makeTimeline(context) {
  const timeline = new Timeline(context);
  return {element: timeline.element, update: (state, old) => timeline.update(state, old)};
}
