// SPDX-License-Identifier: Apache-2.0
// The page around the views: title, metrics, filters, tabs, keys.
import {button, choiceGroup, el, fill} from './dom.js';
import {Keys} from './keys.js';
import {openDialog, openMenu, Tooltip} from './popups.js';
import {METRICS, metricOf, valueText} from './metrics.js';
import {makeQualityBadge} from './quality_view.js';

/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {{element: HTMLElement, update: (state: ViewState, old: ViewState) => void, destroy?: () => void, keys?: {key: string, text: string, action: (event: KeyboardEvent) => unknown}[]}} Part */
/**
 * @typedef {object} Context what views and parts of the page share
 * @property {import('./model.js').Model} model
 * @property {import('./state.js').Store} store
 * @property {import('./functions.js').Functions} functions
 * @property {Tooltip} tooltip
 * @property {Keys} keys
 * @property {(text: string) => void} announce to a screen reader, and in the status line
 * @property {typeof openMenu} openMenu
 * @property {string[]} views names of those that the page offers
 */
/** @typedef {{name: string, title: string, key: string, make: (context: Context) => Part, offered?: (context: Context) => boolean, prepare?: (model: import('./model.js').Model, state: ViewState) => (() => unknown)[]}} View prepare: steps that are done while nobody does anything, of what a person may ask for next */

export class Page {
  /** @param {import('./model.js').Model} model @param {import('./state.js').Store} store @param {View[]} views @param {((context: Context) => Part)[]} bars between the head and the views */
  constructor(model, store, views, bars) {
    this.status = el('div', {class: 'status', role: 'status', 'aria-live': 'polite'});
    /** @type {Context} */
    this.context = {
      model, store, functions: model.functions, tooltip: new Tooltip(), keys: new Keys(), openMenu,
      announce: (text) => { this.status.textContent = text; }, views: [],
    };
    this.views = views.filter((each) => !each.offered || each.offered(this.context));
    this.context.views = this.views.map((each) => each.name);
    this.panel = el('div', {id: 'panel', class: 'view-panel', role: 'tabpanel'});
    this.main = el('main', {id: 'view', tabindex: -1}, this.panel);
    /** @type {Part|null} */
    this.part = null;
    this.shown = '';
    this.bindKeys();
    this.head = this.makeHead();
    this.bars = bars.map((make) => make(this.context));
    this.tabs = this.makeTabs();
    document.body.append(
        el('a', {class: 'skip', href: '#view', onclick: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.main.focus();
        }}, 'Skip to the view'),
        el('header', {}, ...this.head.map((each) => each.element)), ...this.bars.map((each) => each.element),
        this.tabs.element, this.main, this.status, this.context.tooltip.element);
    document.addEventListener('keydown', (event) => this.context.keys.handle(event));
    document.addEventListener('pointerdown', () => this.context.tooltip.hide());
    store.subscribe((state, old) => this.update(state, old));
    this.update(store.state, store.state);
  }

  /** @param {ViewState} state @param {ViewState} old */
  update(state, old) {
    document.documentElement.dataset.theme = state.theme;
    for (const part of [...this.head, ...this.bars, this.tabs]) part.update(state, old);
    const view = this.views.find((each) => each.name === state.view) || this.views[0];
    if (view.name !== this.shown) {
      this.part?.destroy?.();
      this.context.tooltip.hide();
      this.part = view.make(this.context);
      this.shown = view.name;
      this.panel.setAttribute('aria-labelledby', `tab-${view.name}`);
      this.main.dataset.view = view.name;
      fill(this.panel, this.part.element);
      this.context.keys.setView(this.part.keys || [], view.title);
    }
    this.part?.update(state, old);
  }

  bindKeys() {
    const {keys, store} = this.context;
    for (const view of this.views) keys.bind(view.key, `show ${view.title.toLowerCase()}`, () => store.set({view: view.name}), 'Views');
    keys.bind('.', 'next metric', () => this.stepMetric(1), 'Metrics');
    keys.bind(',', 'previous metric', () => this.stepMetric(-1), 'Metrics');
    keys.bind('u', 'undo', () => this.undo());
    keys.bind('Control+z', 'undo', () => this.undo());
    keys.bind('t', 'light, dark or as the system has it', () => this.stepTheme());
    keys.bind('?', 'this sheet', () => this.showHelp());
  }
  undo() {
    if (!this.context.store.back()) this.context.announce('Nothing to undo');
  }
  /** @param {number} step */
  stepMetric(step) {
    const {store} = this.context;
    const names = this.metrics().map((each) => each.name);
    store.set({metric: names[(names.indexOf(store.state.metric) + step + names.length) % names.length]});
    this.context.announce(metricOf(store.state.metric).title);
  }
  stepTheme() {
    const {store} = this.context;
    /** @type {ViewState['theme'][]} */
    const themes = ['auto', 'light', 'dark'];
    const theme = themes[(themes.indexOf(store.state.theme) + 1) % 3];
    store.set({theme});
    this.context.announce(`Theme: ${theme}`);
  }
  // Those that any of the recordings has.
  metrics() {
    return METRICS.filter((metric) => this.context.model.recordings.some((recording) => recording.has(metric.name)));
  }

  showHelp() {
    const groups = [];
    for (const [group, entries] of this.context.keys.sheet()) {
      groups.push(el('section', {}, el('h3', {}, group), el('dl', {}, ...entries.flatMap(({keys, text}) => [
        el('dt', {}, ...keys.flatMap((key, i) => [i ? ' ' : '', el('kbd', {}, keyText(key))])), el('dd', {}, text)]))));
    }
    openDialog('Keys', el('div', {class: 'sheet', tabindex: 0, role: 'group', 'aria-label': 'Keys'}, ...groups));
  }

  /** @returns {Part[]} */
  makeHead() {
    const {model, store} = this.context;
    const title = model.recordings.map((each) => each.meta.title).join('  →  ');
    const heading = el('h1', {title}, title);
    const theme = button('◐', () => this.stepTheme(), {'aria-label': 'Theme', title: 'light, dark or as the system has it (t)'});
    const help = button('?', () => this.showHelp(), {'aria-label': 'Keys', title: 'keys (?)'});
    const metrics = this.metrics();
    const choice = choiceGroup('Metric', metrics.map(({name, title: text}) => ({value: name, text})),
        (metric) => store.set({metric, ranges: store.state.ranges}));
    const total = el('span', {class: 'total'});
    const filters = this.makeFilters();
    return [
      {element: el('div', {class: 'row head'}, heading, makeQualityBadge(this.context), theme, help), update() {}},
      {
        element: el('div', {class: 'row'}, choice.element, total, el('span', {class: 'spacer'}), filters.element),
        update: (state) => {
          choice.update(state.metric);
          total.textContent = `${valueText(state.metric, model.total(state))} in all`;
          filters.update(state);
        },
      },
    ];
  }
  makeFilters() {
    const {model, store} = this.context;
    const recording = model.recordings[0];
    const pick = (/** @type {'process'|'thread'} */ key, /** @type {string} */ label, /** @type {string[]} */ names) => {
      const select = el('select', {'aria-label': label, onchange: () => {
        store.set(key === 'process' ? {process: Number(select.value), thread: -1} : {thread: Number(select.value)});
      }}, el('option', {value: '-1'}, `All ${label.toLowerCase()}s`.replace('processs', 'processes')));
      names.forEach((name, i) => select.append(el('option', {value: String(i)}, name)));
      select.hidden = names.length < 2;
      return select;
    };
    const process = pick('process', 'Process', recording.processes.map((_, i) => recording.processName(i)));
    const thread = pick('thread', 'Thread', recording.threads.map((_, i) => recording.threadName(i)));
    return {
      element: el('span', {class: 'filters'}, process, thread),
      update: (/** @type {ViewState} */ state) => {
        process.value = String(state.process);
        thread.value = String(state.thread);
        for (const option of thread.options) {
          const owner = recording.threads[Number(option.value)]?.process;
          option.hidden = option.value !== '-1' && state.process >= 0 && owner !== state.process;
        }
      },
    };
  }

  /** @returns {Part} */
  makeTabs() {
    const {store} = this.context;
    const tabs = this.views.map((view) => button(view.title, () => store.set({view: view.name}),
        {role: 'tab', id: `tab-${view.name}`, 'aria-controls': 'panel', title: `${view.title} (${view.key})`}));
    const element = el('nav', {class: 'tabs', 'aria-label': 'Views'}, el('div', {role: 'tablist', 'aria-label': 'Views'}, ...tabs));
    element.addEventListener('keydown', (event) => {
      const at = tabs.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
      const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1}[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
    return {
      element,
      update: (state) => {
        const shown = this.views.some((each) => each.name === state.view) ? state.view : this.views[0].name;
        this.views.forEach((view, i) => {
          tabs[i].setAttribute('aria-selected', String(view.name === shown));
          tabs[i].tabIndex = view.name === shown ? 0 : -1;
        });
      },
    };
  }
}

/** @param {string} key */
function keyText(key) {
  const names = /** @type {Record<string, string>} */ ({' ': 'Space', ArrowUp: '↑', ArrowDown: '↓', ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc'});
  return key.replace('Control+', 'Ctrl ').replace(/(\S+)$/, (name) => names[name] || name).replace(/^ $/, 'Space');
}
