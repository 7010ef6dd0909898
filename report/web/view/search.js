// SPDX-License-Identifier: Apache-2.0
// The search box: a regular expression over function names, how much of the total has a match in its stack, and the way
// to the next match in the view that is shown. What matches is the model's business (model.js), and all views show it.
import {button, el} from './dom.js';
import {countText, percentText} from './format.js';

/** @typedef {import('./page.js').Context} Context */

/** @param {Context} context @returns {import('./page.js').Part} */
export function makeSearchBox(context) {
  const {keys, model, store} = context;
  const input = el('input', {type: 'search', placeholder: 'Search: a regular expression', 'aria-label': 'Search functions', spellcheck: 'false'});
  const found = el('span', {class: 'search-found', role: 'status', 'aria-live': 'polite'});
  // What next and previous are is the business of the view, which has keys for them.
  const step = (/** @type {string} */ key) => keys.ofView.find((each) => each.key === key);
  const stepButton = (/** @type {string} */ text, /** @type {string} */ label, /** @type {string} */ key) =>
    button(text, () => { step(key)?.action(new KeyboardEvent('keydown', {key})); }, {'aria-label': label, title: `${label.toLowerCase()} (${key})`});
  const previous = stepButton('‹', 'Previous match', 'N');
  const next = stepButton('›', 'Next match', 'n');

  let isNew = true;  // undo goes back to before the typing, not letter by letter
  const search = (/** @type {string} */ text) => {
    store.set({search: text}, {push: isNew});
    isNew = false;
  };
  input.addEventListener('focus', () => { isNew = true; });
  input.addEventListener('input', () => search(input.value));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') step(event.shiftKey ? 'N' : 'n')?.action(event);
    else if (event.key !== 'Escape') return;
    else if (input.value === '') input.blur();
    else search('');
    event.preventDefault();
    event.stopPropagation();
  });
  keys.bind('/', 'search', () => {
    input.focus();
    input.select();
  }, 'Search');

  return {
    element: el('search', {class: 'search'}, found, input, previous, next),
    update(state) {
      if (input.value !== state.search) input.value = state.search;
      const {active, error, functions, share} = model.matches(state);
      const some = active && functions > 0;
      previous.disabled = !some || !step('N');
      next.disabled = !some || !step('n');
      found.classList.toggle('note', error !== '');
      found.textContent = !active ? '' : `${percentText(share)} matched, ${countText(functions)} function${functions === 1 ? '' : 's'}` +
          (error ? ` (${error})` : '');
    },
  };
}
