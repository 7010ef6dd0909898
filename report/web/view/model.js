// SPDX-License-Identifier: Apache-2.0
// What views ask of the recordings for a state. Answers are kept while the parts of the state that they depend on are
// the same.
import {metricOf, selfOfPaths, selfOfStacks} from './metrics.js';
import {functionTotals, InvertedTree, TopDownTree} from './tree.js';
import {filteredEntries, TimeOrder, TimeTree} from './time_tree.js';
import {applyTransforms, mapThrough} from './transform.js';

/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./tree.js').FrameTree} FrameTree */
/** @typedef {import('./tree.js').PathValues} PathValues */

const kPathsKept = 20e6;  // in all answers together; each has a number or two for each path
const kOrdersKept = 3;  // of entries in time, which are large

export class Model {
  /** @param {Recording[]} recordings one, or a base and what is compared with it @param {import('./functions.js').Functions} functions @param {import('./paths.js').Paths} paths */
  constructor(recordings, functions, paths) {
    this.recordings = recordings;
    this.functions = functions;
    this.paths = paths;
    /** @type {Map<string, any>} */
    this.answers = new Map();
    /** @type {Map<string, any>} */
    this.lasting = new Map();
    /** @type {Map<string, TimeOrder>} */
    this.inOrder = new Map();
    // Entries of Functions that are no functions: a library as a whole, a thread.
    /** @type {Map<string, number>} */
    this.libraries = new Map();
    const modules = new Set(functions.list.map((each) => each.module));
    for (const module of modules) {
      if (module) this.libraries.set(module, functions.add(`[${module}]`, module, '', '', 0, 'marker'));
    }
    this.threadFunctions = recordings.map((recording) => recording.threads.map((_, thread) =>
      functions.add(recording.threadName(thread), '', '', '', 0, 'process')));
  }

  /** @param {ViewState} state @param {number} [which] recording @returns {import('./metrics.js').Filter} */
  filter(state, which = 0) {
    const recording = this.recordings[which];
    const range = state.ranges[state.ranges.length - 1];
    return {
      // The end of a recording counts: something may happen at its very last instant, or take none.
      from: range ? range.from : -1, to: range ? range.to : Infinity,
      process: which === 0 ? state.process : sameName(state.process, this.recordings[0].processes, recording.processes),
      thread: which === 0 ? state.thread : sameName(state.thread, this.recordings[0].threads, recording.threads),
    };
  }

  /** @param {ViewState} state @returns {PathValues[]} of each recording, after transforms, all over the same paths */
  values(state) {
    return this.keep(['values', ...chosen(state)], () => {
      const values = this.recordings.map((recording, which) =>
        ({paths: this.paths, ...this.selfValues(recording, state, which)}));
      return applyTransforms(values, state.transforms, this.functions);
    });
  }
  /** @param {Recording} recording @param {ViewState} state @param {number} which */
  selfValues(recording, state, which) {
    return this.keep(['self', which, state.metric, state.ranges, state.process, state.thread],
        () => selfOfPaths(recording, state.metric, this.filter(state, which), this.stackValues(state, which)));
  }
  /** @param {ViewState} state @param {number} which @returns {import('./metrics.js').Sums} by stack, before transforms */
  stackValues(state, which) {
    return this.keep(['stacks', which, state.metric, state.ranges, state.process, state.thread],
        () => selfOfStacks(this.recordings[which], state.metric, this.filter(state, which)));
  }
  /** @param {ViewState} state @param {number} [which] @returns {TopDownTree} */
  topDown(state, which = 0) {
    return this.keep(['top-down', which, ...chosen(state)], () => new TopDownTree(this.values(state)[which]));
  }
  /** @param {ViewState} state @param {number} [which] @returns {InvertedTree} */
  inverted(state, which = 0) {
    return this.keep(['inverted', which, ...chosen(state)], () => new InvertedTree(this.values(state)[which]));
  }
  /** @param {ViewState} state @param {number} [which] @returns {TimeTree} */
  inTime(state, which = 0) {
    return this.keep(['time', which, ...chosen(state)], () => {
      const order = this.timeOrder(state, which);
      const threads = this.threadFunctions[which];
      return new TimeTree(order.mapped.paths, filteredEntries(order.all(), this.recordings[which], this.filter(state, which)),
          (thread) => threads[thread] ?? -1);
    });
  }
  // Of the whole recording: ranges of it are quick. Kept beside the other answers, which would drive it out.
  /** @param {ViewState} state @param {number} which */
  timeOrder(state, which) {
    const key = JSON.stringify([which, state.metric, state.transforms]);
    let answer = this.inOrder.get(key);
    if (answer === undefined) {
      answer = new TimeOrder(this.recordings[which], state.metric, mapThrough(this.paths, state.transforms, this.functions));
      if (this.inOrder.size >= kOrdersKept) this.inOrder.delete(/** @type {string} */ (this.inOrder.keys().next().value));
      this.inOrder.set(key, answer);
    }
    return answer;
  }
  /** @param {ViewState} state @param {number} [which] @returns {FrameTree} as the flame graph shows it */
  tree(state, which = 0) {
    if (state.order === 'time' && this.canBeInTime(state)) return this.inTime(state, which);
    return state.inverted ? this.inverted(state, which) : this.topDown(state, which);
  }
  // A level has no order in time.
  /** @param {ViewState} state */
  canBeInTime(state) {
    return !metricOf(state.metric).level;
  }
  /** @param {ViewState} state @param {number} [which] @returns {ReturnType<typeof functionTotals>} by function */
  functionTable(state, which = 0) {
    return this.keep(['functions', which, ...chosen(state)],
        () => functionTotals(this.topDown(state, which), this.functions.count));
  }
  /** @param {ViewState} state @param {number} [which] */
  total(state, which = 0) {
    return this.keep(['total', which, ...chosen(state)], () => sumOf(this.values(state)[which].value));
  }

  /**
   * What the search finds: functions by name, and the part of the total whose stacks have one.
   * @param {ViewState} state @param {number} [which]
   * @returns {{active: boolean, error: string, test: (func: number) => boolean, functions: number, share: number}}
   */
  matches(state, which = 0) {
    return this.keep(['matches', which, state.search, ...chosen(state)], () => {
      const none = {active: false, error: '', test: () => false, functions: 0, share: 0};
      if (state.search === '') return none;
      const {expression, error} = searchExpression(state.search);
      const found = Uint8Array.from(this.functions.list, (each) => (expression.test(each.name) ? 1 : 0));
      const {paths, value} = this.values(state)[which];
      const inside = new Uint8Array(paths.count);
      const seen = new Set();
      let matched = 0;
      for (let path = 1; path < paths.count; path++) {
        const own = found[paths.func[path]];
        inside[path] = inside[paths.parent[path]] | own;
        if (inside[path]) matched += value[path];
        if (own) seen.add(paths.func[path]);
      }
      const total = this.total(state, which);
      return {
        active: true, error, functions: seen.size, share: total > 0 ? matched / total : 0,
        test: (/** @type {number} */ func) => found[func] === 1,
      };
    });
  }

  /** What depends on no state, and is kept for good. @template T @param {string} name @param {() => T} make @returns {T} */
  once(name, make) {
    if (!this.lasting.has(name)) this.lasting.set(name, make());
    return this.lasting.get(name);
  }
  /** @template T @param {any[]} key @param {() => T} make @returns {T} */
  keep(key, make) {
    const text = JSON.stringify(key);
    let answer = this.answers.get(text);
    if (answer === undefined) {
      answer = make();
      if (this.answers.size >= kPathsKept / this.paths.count) this.answers.delete(/** @type {string} */ (this.answers.keys().next().value));
    } else {
      this.answers.delete(text);
    }
    this.answers.set(text, answer);
    return answer;
  }
}

/** @param {Float64Array} values */
function sumOf(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

/** @param {ViewState} state @returns {any[]} what path values depend on */
function chosen(state) {
  return [state.metric, state.ranges, state.process, state.thread, state.transforms];
}

/** @param {number} index @param {{name: string}[]} there @param {{name: string}[]} here @returns {number} -2: nothing */
function sameName(index, there, here) {
  if (index < 0) return -1;
  const found = here.findIndex((each) => each.name === there[index]?.name);
  return found < 0 ? -2 : found;
}

/** @param {string} text @returns {{expression: RegExp, error: string}} as plain text where it is no regular expression */
export function searchExpression(text) {
  const flags = /[A-Z]/.test(text) ? 'u' : 'iu';  // capitals are meant
  try {
    return {expression: new RegExp(text, flags), error: ''};
  } catch {
    return {expression: new RegExp(text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), flags), error: 'no regular expression: searched as text'};
  }
}
