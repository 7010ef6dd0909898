// SPDX-License-Identifier: Apache-2.0
// How far the numbers can be trusted: the quality panel of each recording; and a badge in the head of the page when
// something is bad.

import {button, el} from './dom.js';
import {moodIcon, worstMood} from './moods.js';

/** @typedef {{label: string, text: string, mood: string}} QualityLine label: empty goes on under the one above */

/** @type {import('./page.js').View} */
export const kQualityView = {
  name: 'quality', title: 'Quality', key: '8',
  make({model}) {
    const panels = model.recordings.map(({meta}) => el('section', {class: 'report'}, el('h2', {}, model.recordings.length > 1 ? `Quality of ${meta.title}` : 'Quality of this recording'),
        el('p', {class: 'dim'}, verdict(meta.quality)), qualityList(meta.quality)));
    return {element: el('div', {class: 'reports'}, ...panels), update() {}};
  },
};

/** @param {QualityLine[]} lines */
function verdict(lines) {
  const worst = worstMood(lines);
  if (worst === 'bad') return 'Some of what was recorded is wrong or missing. What is marked says what, and what to do about it.';
  if (worst === 'note') return 'The numbers can be trusted; what is marked should be known when they are read.';
  return 'Nothing was lost, and everything has a name.';
}

// A label, and all lines that go on under it.
/** @param {QualityLine[]} lines @returns {{label: string, lines: QualityLine[]}[]} */
export function qualityGroups(lines) {
  /** @type {{label: string, lines: QualityLine[]}[]} */
  const groups = [];
  for (const line of lines) {
    if (line.label || groups.length === 0) groups.push({label: line.label, lines: []});
    groups[groups.length - 1].lines.push(line);
  }
  return groups;
}

/** @param {QualityLine[]} lines */
function qualityList(lines) {
  return el('dl', {class: 'quality'}, ...qualityGroups(lines).flatMap((group) => [
    el('dt', {}, group.label),
    ...group.lines.map(({text, mood}) => el('dd', {class: mood === 'bad' || mood === 'note' ? mood : ''}, moodIcon(mood), el('span', {}, text))),
  ]));
}

// Beside the title, where something is bad.
/** @param {import('./page.js').Context} context */
export function makeQualityBadge({model, store}) {
  const bad = model.recordings.flatMap(({meta}) => /** @type {QualityLine[]} */ (meta.quality)).filter(({mood}) => mood === 'bad');
  const text = `${bad.length} problem${bad.length === 1 ? '' : 's'}`;
  return button(`✗ ${text}`, () => store.set({view: 'quality'}), {
    'class': 'badge bad', 'hidden': bad.length === 0, 'title': bad.slice(0, 3).map((line) => line.text).join('\n'), 'aria-label': `${text} of this recording: show its quality`});
}
