// SPDX-License-Identifier: Apache-2.0
// What is known of a frame of a flame graph, for the tooltip, and in one sentence for a screen reader.
import {el} from './dom.js';
import {bytesText, countText, percentText} from './format.js';
import {kKinds} from './functions.js';
import {metricOf, valueText} from './metrics.js';
import {DifferenceTree} from './difference_tree.js';

/** @typedef {import('./flame_layout.js').FlameLayout} FlameLayout */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./page.js').Context} Context */
/** @typedef {{context: Context, state: ViewState, layout: FlameLayout, which: number}} Shown */

/** @param {Shown} shown @param {number} at @returns {string} */
export function frameName({context, state, layout}, at) {
  const {hidden, node, tree} = layout;
  if (hidden[at] > 0) return `${countText(hidden[at])} narrower frame${hidden[at] === 1 ? '' : 's'}`;
  return node[at] === 0 ? `all: ${valueText(state.metric, tree.total(0))}` : context.functions.name(tree.func(node[at]));
}

/** @param {Shown} shown @param {number} at @returns {string} */
export function frameSentence(shown, at) {
  const {context: {functions}, state, layout} = shown;
  const {tree, node, hidden} = layout;
  const value = valueOf(layout, at);
  const parts = [frameName(shown, at)];
  if (node[at] !== 0) parts.push(percentText(value / tree.total(0)), valueText(state.metric, value));
  if (tree instanceof DifferenceTree && hidden[at] === 0) parts.push(changeText(tree, node[at], state.metric));
  if (hidden[at] === 0 && node[at] !== 0) parts.push(functions.module(tree.func(node[at])));
  return parts.filter(Boolean).join(', ');
}

/** @param {Shown} shown @param {number} at @returns {HTMLElement[]} */
export function frameTooltip(shown, at) {
  const {state, layout} = shown;
  const {tree, hidden} = layout;
  const node = layout.node[at];
  /** @type {HTMLElement[]} */
  const lines = [el('b', {}, frameName(shown, at))];
  const rows = /** @type {HTMLElement[]} */ ([]);
  const {zoomed} = layout;
  const row = (/** @type {string} */ label, /** @type {string} */ value, /** @type {string[]} */ ...more) =>
    rows.push(el('tr', {}, el('td', {}, label), ...[value, ...more].map((text) => el('td', {}, text))));
  const shares = (/** @type {number} */ value) =>
    [percentText(value / tree.total(0)), ...(zoomed !== 0 ? [percentText(value / tree.total(zoomed))] : [])];
  const line = (/** @type {string} */ label, /** @type {number} */ value) => row(label, valueText(state.metric, value), ...shares(value));
  if (zoomed !== 0) row('', '', 'of all', 'of zoomed');

  if (hidden[at] > 0) {
    lines.push(el('div', {class: 'dim'}, 'each narrower than a pixel; zoom in to see them'));
    line('together', valueOf(layout, at));
  } else if (tree instanceof DifferenceTree) {
    if (node !== 0) lines.push(...whereLines(shown, node));
    const {base, newer} = tree.changeOf(node);
    row('base', valueText(state.metric, base), percentText(base / tree.base(0)));
    row(tree.test.scale === 1 ? 'new' : 'new, scaled', valueText(state.metric, newer), percentText(newer / tree.newer(0)));
    lines.push(el('div', {class: tree.significant(node) ? tree.change(node) > 0 ? 'bad' : 'good' : 'dim'}, changeText(tree, node, state.metric)));
  } else {
    if (node !== 0) lines.push(...whereLines(shown, node));
    const asCaller = state.inverted && state.order !== 'time' && node !== 0 && tree.parent(node) !== 0;
    line(asCaller ? 'as caller' : 'total', tree.total(node));
    if (!state.inverted || state.order === 'time') line('self', tree.self(node));
    if (node !== 0) functionLines(shown, node, line);
    countLine(state.metric, tree.count(node), tree.total(node), row);
  }
  lines.push(el('table', {}, ...rows));
  return lines;
}

/** Where the function is of. @param {Shown} shown @param {number} node @returns {HTMLElement[]} */
function whereLines({context: {functions}, layout: {tree}}, node) {
  const f = tree.func(node);
  const kind = kKinds[tree.kind(node)];
  const file = functions.file(f);
  const where = [functions.module(f), kind === 'native' ? '' : kind, file && file + (functions.line(f) ? `:${functions.line(f)}` : '')].filter(Boolean);
  return where.length > 0 ? [el('div', {class: 'dim'}, where.join(' · '))] : [];
}

/** What the function has in all stacks, where that is not the same. @param {Shown} shown @param {number} node
 * @param {(label: string, value: number) => void} line */
function functionLines({context, state, layout: {tree}, which}, node, line) {
  const {self, total} = context.model.functionTable(state, which);
  const f = tree.func(node);
  if (!(total[f] > 0) || Math.abs(total[f] - tree.total(node)) < 0.5) return;
  line('function, total', total[f]);
  line('function, self', self[f]);
}

/** @param {string} name of the metric @param {number} count @param {number} value @param {(label: string, value: string, ...more: string[]) => void} row */
function countLine(name, count, value, row) {
  const metric = metricOf(name);
  if (!(count > 0)) return;
  if (!metric.heap) row('samples', countText(count));
  else if (metric.unit === 'bytes') row(metric.level ? 'blocks' : 'allocations', countText(count), `${bytesText(value / count)} each`);
}

/** @param {DifferenceTree} tree @param {number} node @param {string} metric */
function changeText(tree, node, metric) {
  const {base, newer, change} = tree.changeOf(node);
  if (base === 0) return `new${tree.significant(node) ? '' : ', may be chance'}`;
  if (newer === 0) return `vanished${tree.significant(node) ? '' : ', may be chance'}`;
  const sign = change > 0 ? '+' : change < 0 ? '-' : '±';
  const text = `${sign}${valueText(metric, Math.abs(change))} (${sign}${percentText(Math.abs(change) / base)})`;
  return tree.significant(node) ? text : `${text}, may be chance or is little`;
}

/** @param {FlameLayout} layout @param {number} at */
function valueOf(layout, at) {
  return layout.hidden[at] > 0 ? layout.width[at] / layout.scale : layout.tree.total(layout.node[at]);
}
