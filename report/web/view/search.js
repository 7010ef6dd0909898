// SPDX-License-Identifier: Apache-2.0
// Search: a regular expression over function names; case matters once a capital letter is typed. What is no regular
// expression is searched for as it stands.

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./paths.js').Paths} Paths */
/** @typedef {{expression: RegExp, literal: boolean}} Search literal: it was no regular expression */

/** @param {string} text @returns {Search|null} null for no text */
export function compileSearch(text) {
  if (text === '') return null;
  const flags = /[A-Z]/.test(text) ? '' : 'i';
  try {
    return {expression: new RegExp(text, flags), literal: false};
  } catch {
    return {expression: new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), flags), literal: true};
  }
}

/** 1 for each function that matches. @param {Functions} functions @param {Search} search @returns {Uint8Array} */
export function matchedFunctions(functions, search) {
  const matched = new Uint8Array(functions.count);
  for (let f = 0; f < functions.count; f++) if (search.expression.test(functions.name(f))) matched[f] = 1;
  return matched;
}

/** The part of the values whose stack has a match: a function that matches below one that does counts once.
 * @param {Paths} paths @param {Float64Array} self of each path @param {Uint8Array} matched of each function */
export function matchedValue(paths, self, matched) {
  const {parent, func} = paths;
  const covered = new Uint8Array(paths.count);
  let sum = 0;
  for (let p = 1; p < paths.count; p++) {  // parents come first
    if (covered[parent[p]] === 0 && matched[func[p]] !== 1) continue;
    covered[p] = 1;
    sum += self[p];
  }
  return sum;
}
