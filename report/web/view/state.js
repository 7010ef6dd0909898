// SPDX-License-Identifier: Apache-2.0
// What a person has chosen: one plain value that all views are a function of, kept in the URL's fragment, with undo.
import {METRICS} from './metrics.js';
import {kTransformTypes} from './transform.js';

/** @typedef {{from: number, to: number}} Range ns */
/**
 * @typedef {object} ViewState
 * @property {string} metric
 * @property {string} view name of a registered view
 * @property {'icicle'|'flame'} form
 * @property {'heavy'|'time'} order
 * @property {boolean} inverted
 * @property {'module'|'kind'|'cost'} colour
 * @property {Range[]} ranges each within the one before; the last one holds
 * @property {number} process index in the (first) recording's processes; -1: all
 * @property {number} thread the same of threads
 * @property {string} search regular expression
 * @property {import('./transform.js').Transform[]} transforms in the order they are applied
 * @property {number[]} zoom of the flame graph: functions, root first
 * @property {number} func of the views that are about one function; -1: none
 * @property {string} sort of tables: "total", "-name"
 * @property {'off'|'side'|'difference'} compare
 * @property {'auto'|'light'|'dark'} theme
 * @property {Record<string, string>} extra what one view alone knows, by "view.key"
 */

/** @returns {ViewState} */
export function defaultState() {
  return {
    metric: 'cpu', view: 'summary', form: 'icicle', order: 'heavy', inverted: false, colour: 'module', ranges: [],
    process: -1, thread: -1, search: '', transforms: [], zoom: [], func: -1, sort: '', compare: 'off', theme: 'auto', extra: {},
  };
}

const kChoices = /** @type {const} */ ({
  metric: METRICS.map((each) => each.name), form: ['icicle', 'flame'], order: ['heavy', 'time'],
  colour: ['module', 'kind', 'cost'], compare: ['off', 'side', 'difference'], theme: ['auto', 'light', 'dark'],
});

/** @param {ViewState} state @param {ViewState} defaults @returns {string} without '#'; empty for the defaults */
export function stateToFragment(state, defaults) {
  const parts = new URLSearchParams();
  const put = (/** @type {string} */ key, /** @type {string} */ text, /** @type {string} */ usual) => {
    if (text !== usual) parts.set(key, text);
  };
  for (const key of /** @type {const} */ (['view', 'metric', 'form', 'order', 'colour', 'compare', 'theme', 'search', 'sort'])) {
    put(key, state[key], defaults[key]);
  }
  put('inverted', String(Number(state.inverted)), String(Number(defaults.inverted)));
  for (const key of /** @type {const} */ (['process', 'thread', 'func'])) put(key, String(state[key]), String(defaults[key]));
  put('range', rangesText(state.ranges), rangesText(defaults.ranges));
  put('zoom', state.zoom.join('.'), '');
  put('transforms', state.transforms.map(transformToText).join(','), '');
  for (const [key, text] of Object.entries(state.extra).sort()) put(`x.${key}`, text, defaults.extra[key] || '');
  return parts.toString();
}

/** @param {string} fragment with or without '#' @param {ViewState} defaults stand for what is missing or makes no sense @returns {ViewState} */
export function stateFromFragment(fragment, defaults) {
  const parts = new URLSearchParams(fragment.replace(/^#/, ''));
  const state = {...defaults, extra: {...defaults.extra}};
  for (const [key, choices] of Object.entries(kChoices)) {
    const text = parts.get(key);
    if (text !== null && /** @type {readonly string[]} */ (choices).includes(text)) /** @type {any} */ (state)[key] = text;
  }
  for (const key of /** @type {const} */ (['view', 'search', 'sort'])) state[key] = parts.get(key) ?? defaults[key];
  if (parts.has('inverted')) state.inverted = parts.get('inverted') === '1';
  for (const key of /** @type {const} */ (['process', 'thread', 'func'])) state[key] = indexIn(parts.get(key), defaults[key]);
  if (parts.has('range')) state.ranges = rangesIn(parts.get('range') || '');
  state.zoom = pathIn(parts.get('zoom') || '');
  state.transforms = (parts.get('transforms') || '').split(',').flatMap(transformIn);
  for (const [key, text] of parts) if (key.startsWith('x.')) state.extra[key.slice(2)] = text;
  return state;
}

/** @param {string|null} text @param {number} usual */
function indexIn(text, usual) {
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : usual;
}

/** @param {string} text @returns {number[]} */
function pathIn(text) {
  return /^\d{1,9}(\.\d{1,9})*$/.test(text) ? text.split('.').map(Number) : [];
}

/** @param {Range[]} ranges */
function rangesText(ranges) {
  return ranges.map(({from, to}) => `${Math.round(from)}-${Math.round(to)}`).join(',');
}

/** @param {string} text @returns {Range[]} */
function rangesIn(text) {
  /** @type {Range[]} */
  const ranges = [];
  for (const part of text.split(',')) {
    const match = /^(\d{1,16})-(\d{1,16})$/.exec(part);
    if (!match || Number(match[1]) >= Number(match[2])) break;
    ranges.push({from: Number(match[1]), to: Number(match[2])});
  }
  return ranges;
}

/** @param {import('./transform.js').Transform} transform */
function transformToText({type, func, path}) {
  const code = kTransformTypes.indexOf(type);
  return path ? `${code}:${path.join('.')}` : func !== undefined ? `${code}:${func}` : `${code}`;
}

/** @param {string} text @returns {import('./transform.js').Transform[]} none if it makes no sense */
function transformIn(text) {
  const match = /^([0-7])(?::([\d.]+))?$/.exec(text);
  if (!match) return [];
  const type = /** @type {any} */ (kTransformTypes[Number(match[1])]);
  const path = pathIn(match[2] || '');
  if (type === 'collapse-direct-recursion') return [{type}];
  if (path.length === 0) return [];
  return [type.endsWith('subtree') ? {type, path} : {type, func: path[0]}];
}

export class Store {
  /** @param {ViewState} state @param {(state: ViewState, push: boolean) => void} [changed] told of each change first */
  constructor(state, changed = () => {}) {
    this.state = state;
    this.changed = changed;
    /** @type {ViewState[]} */
    this.undos = [];
    /** @type {((state: ViewState, old: ViewState) => void)[]} */
    this.subscribers = [];
  }
  /** @param {Partial<ViewState>} partial @param {{push?: boolean}} [how] push false: undo goes past it, as of typing */
  set(partial, {push = true} = {}) {
    const next = {...this.state, ...partial};
    if (Object.entries(partial).every(([key, value]) => same(/** @type {any} */ (this.state)[key], value))) return;
    if (push) this.undos.push(this.state);
    this.replace(next, push);
  }
  /** @param {string} key @param {string} text what one view alone knows @param {{push?: boolean}} [how] */
  setExtra(key, text, how) {
    const extra = {...this.state.extra, [key]: text};
    if (text === '') delete extra[key];
    this.set({extra}, how);
  }
  /** @param {import('./transform.js').Transform} transform */
  addTransform(transform) {
    this.set({transforms: [...this.state.transforms, transform], zoom: []});
  }
  /** Undoes the last change. @returns {boolean} there was one */
  back() {
    const last = this.undos.pop();
    if (last) this.replace(last, false);
    return last !== undefined;
  }
  /** @param {ViewState} next @param {boolean} push */
  replace(next, push) {
    const old = this.state;
    this.state = next;
    this.changed(next, push);
    for (const subscriber of [...this.subscribers]) subscriber(next, old);
  }
  /** @param {(state: ViewState, old: ViewState) => void} subscriber @returns {() => void} ends it */
  subscribe(subscriber) {
    this.subscribers.push(subscriber);
    return () => { this.subscribers = this.subscribers.filter((each) => each !== subscriber); };
  }
}

/** @param {unknown} a @param {unknown} b */
export function same(a, b) {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
