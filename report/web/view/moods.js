// SPDX-License-Identifier: Apache-2.0
// How good or bad something is, told by an icon and a word, and by colour only in addition.

import {el} from './dom.js';

/** @typedef {'plain'|'good'|'note'|'bad'} Mood */

/** @type {Record<Mood, {icon: string, word: string}>} */
const kMoods = {
  plain: {icon: '·', word: ''}, good: {icon: '✓', word: 'good'}, note: {icon: '!', word: 'to note'}, bad: {icon: '✗', word: 'bad'},
};

/** @param {string} mood @returns {HTMLElement} */
export function moodIcon(mood) {
  const {icon, word} = kMoods[/** @type {Mood} */ (mood)] || kMoods.plain;
  return el('span', {class: `mood ${mood}`}, el('span', {'aria-hidden': 'true'}, icon), word ? el('span', {class: 'unseen'}, `${word}: `) : null);
}

/** @param {{mood: string}[]} lines @returns {Mood} the worst of them */
export function worstMood(lines) {
  for (const mood of /** @type {Mood[]} */ (['bad', 'note', 'good'])) if (lines.some((line) => line.mood === mood)) return mood;
  return 'plain';
}
