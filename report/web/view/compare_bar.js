// SPDX-License-Identifier: Apache-2.0
// The row of a page of two recordings: how they are compared, and what is called noise.
import {kAbsolute, kTotalsKey, totalsAreEqual} from './comparison.js';
import {choiceGroup, el} from './dom.js';
import {percentText} from './format.js';
import {metricOf, valueText} from './metrics.js';

/** @param {import('./page.js').Context} context @returns {import('./page.js').Part} */
export function makeCompareBar(context) {
  const {model, store} = context;
  if (model.recordings.length < 2) return {element: el('div', {hidden: true}), update() {}};
  const forms = choiceGroup('Comparison', [
    {value: 'difference', text: 'Difference', title: 'what changed from the base to the new recording'},
    {value: 'side', text: 'Side by side'}, {value: 'off', text: 'Base alone'},
  ], (compare) => store.set({compare: /** @type {'off'|'side'|'difference'} */ (compare)}));
  const totals = choiceGroup('Totals', [
    {value: '', text: 'Equal totals', title: 'the new recording is scaled so that both add up to the same: what changed are shares'},
    {value: kAbsolute, text: 'Absolute', title: 'values as they were recorded'},
  ], (value) => store.setExtra(kTotalsKey, value));
  const sums = el('span', {class: 'dim'});
  const renamed = [...model.recordings[1].moduleNames].map(([name, base]) => `${name} is taken for ${base}`).join(', ');
  return {
    element: el('section', {class: 'tools compare-bar', 'aria-label': 'Comparison of two recordings'}, forms.element, totals.element, sums,
        renamed === '' ? null : el('span', {class: 'dim', title: 'modules that the recordings have by different names'}, renamed)),
    update(state) {
      forms.update(state.compare);
      totals.update(totalsAreEqual(state) ? '' : kAbsolute);
      totals.element.hidden = state.compare === 'off';
      const [base, newer] = [model.total(state, 0), model.total(state, 1)];
      const part = base > 0 ? (newer - base) / base : NaN;
      const exact = metricOf(state.metric).heap && model.recordings.every((recording) => recording.meta.heap !== 'sampled');
      sums.textContent = `base ${valueText(state.metric, base)}, new ${valueText(state.metric, newer)}` +
          (Number.isFinite(part) ? ` (${part > 0 ? '+' : ''}${percentText(part)})` : '');
      sums.title = exact ? 'Counted exactly: changes under 0.1 % of the total are left unpainted.' :
        'Sampled: changes that two recordings of the same program may show by chance, and those under 0.1 % of the total, are left unpainted.';
    },
  };
}
