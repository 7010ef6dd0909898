// SPDX-License-Identifier: Apache-2.0
// The row between the timeline and the views: what is shown of the recording, and the search.
import {makeBreadcrumbs} from './breadcrumbs.js';
import {el} from './dom.js';
import {makeSearchBox} from './search.js';

/** @param {import('./page.js').Context} context @returns {import('./page.js').Part} */
export function makeFilterBar(context) {
  const parts = [makeBreadcrumbs(context), makeSearchBox(context)];
  return {
    element: el('div', {class: 'filter-bar'}, ...parts.map((each) => each.element)),
    update: (state, old) => parts.forEach((each) => each.update(state, old)),
  };
}
