// SPDX-License-Identifier: Apache-2.0
// Search: a regular expression over function names; case matters once a capital letter is typed. What is no regular
// expression is searched for as it stands.

function compileSearch(text) {
  if (text === '') return null;
  const flags = /[A-Z]/.test(text) ? '' : 'i';
  let expression;
  let literal = false;
  try {
    expression = new RegExp(text, flags);
  } catch {
    expression = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), flags);
    literal = true;
  }
  return {text, literal, matches: functions.map((fn) => expression.test(fn.name)), current: -1};
}

// The part of all values whose stack has a match: a function that matches below one that does counts once.
function matchedValue() {
  const {total, children} = state.values;
  let sum = 0;
  const walk = [...children[0]];
  while (walk.length > 0) {
    const node = walk.pop();
    if (nodes.fn[node] >= 0 && state.search.matches[nodes.fn[node]]) sum += total[node];
    else walk.push(...children[node]);
  }
  return sum;
}

function setSearch(text) {
  state.search = compileSearch(text);
  redraw();
}

// Goes to the next (1) or previous (-1) drawn frame that matches.
function stepMatch(step) {
  if (!state.search) return;
  const hits = state.drawn.filter(({frame}) => frame.fn >= 0 && state.search.matches[frame.fn]);
  if (hits.length === 0) return;
  state.search.current = (state.search.current + step + hits.length + (state.search.current < 0 && step < 0 ? 1 : 0)) % hits.length;
  focusFrame(hits[state.search.current]);
  updateMatches();
}
