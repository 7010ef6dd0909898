// SPDX-License-Identifier: Apache-2.0
// The controls above the graph: form, zoom, search, filters, theme, quality.

const button = (label, title, action, attributes = {}) =>
    element('button', {type: 'button', title, onclick: action, ...attributes}, label);

const backButton = button('Back', 'back to the view before (Backspace)', () => zoomBack());
const resetButton = button('Reset zoom', 'show everything (0)', () => zoomTo(state.tree));
const formButtons = [['icicle', 'Icicle', 'callers above callees'], ['flame', 'Flame', 'callees above callers'],
  ['inverted', 'Bottom-up', 'functions by their own time, callers below']].map(([form, label, title]) => {
  const made = button(label, title + ' (i)', () => setForm(form), {'data-form': form});
  return made;
});
const foldButton = button('Fold recursion', 'show direct recursion as one frame (f)', () => toggleFolding());
const searchInput = element('input', {type: 'search', placeholder: 'Search: a regular expression', 'aria-label': 'search functions',
  spellcheck: 'false', oninput: () => setSearch(searchInput.value)});
const matches = element('span', {class: 'matches', role: 'status', 'aria-live': 'polite'});
const previousButton = button('‹', 'previous match (N)', () => stepMatch(-1));
const nextButton = button('›', 'next match (n)', () => stepMatch(1));
const summary = element('span');
const leftOut = element('span', {class: 'left-out'});

function selectOf(label, all, choices, action) {
  const options = [element('option', {value: -1}, all), ...choices.map(([value, text]) => element('option', {value}, text))];
  const select = element('select', {'aria-label': label, onchange: () => action(Number(select.value))}, ...options);
  return select;
}
const processSelect = selectOf('process', `all ${data.processes.length} processes`,
    data.processes.map(([pid, name], i) => [i, `${name} (${pid})`]), (process) => {
      fillThreads(process);
      setFilter({process, thread: -1});
    });
const threadSelect = selectOf('thread', '', [], (thread) => setFilter({thread}));
function fillThreads(process) {
  const choices = data.threads.map(([owner, tid, name], i) => ({owner, i, text: tid ? `${name} (${tid})` : name}))
      .filter(({owner}) => process < 0 || owner === process);
  threadSelect.replaceChildren(element('option', {value: -1}, `all ${choices.length} threads`),
      ...choices.map(({i, text}) => element('option', {value: i}, text)));
  threadSelect.disabled = choices.length < 2;
}

const secondsOf = (bin) => Number((Math.min(bin * data.binLength, data.duration) / 1e9).toFixed(3));
const timeInput = (label, action) => element('input', {type: 'number', min: 0, step: 'any', 'aria-label': label, onchange: action});
const fromInput = timeInput('from second', () => setTimes(Number(fromInput.value), Number(toInput.value)));
const toInput = timeInput('to second', () => setTimes(Number(fromInput.value), Number(toInput.value)));
function setTimes(from, to) {
  const binSeconds = data.binLength / 1e9;
  const first = Math.max(0, Math.min(data.bins - 1, Math.round(from / binSeconds)));
  const last = Math.max(first + 1, Math.min(data.bins, Math.round(to / binSeconds)));
  setFilter({from: first, to: last});
}

const quality = button('Quality', 'how far these numbers can be trusted', () => openPanel('quality'));
if (!data.complete) quality.append(element('span', {class: 'bad'}, ' !'));
const controls = island('controls', [
  element('div', {class: 'row head'}, element('h1', {title: data.command}, data.title || data.command), quality,
      button('◐', 'light or dark (d)', () => toggleTheme(), {'aria-label': 'light or dark'}),
      button('?', 'keys (?)', () => openPanel('keys'), {'aria-label': 'keys'})),
  element('div', {class: 'summary'}, summary, leftOut),
  element('div', {class: 'row'}, element('span', {class: 'group', role: 'group', 'aria-label': 'form'}, ...formButtons), foldButton, backButton,
      resetButton, searchInput, previousButton, nextButton, matches),
  element('div', {class: 'row', id: 'filters'}, ...(data.processes.length > 1 ? [processSelect] : []),
      ...(data.threads.length > 1 ? [threadSelect] : []),
      ...(data.bins > 1 ? [timeline, element('label', {}, 'from', fromInput), element('label', {}, 'to', toInput, 's')] : []),
      ...(data.processes.length > 1 || data.threads.length > 1 || data.bins > 1 ? [button('Clear filters', 'everything', () => clearFilters())] : [])),
  element('div', {class: 'row', style: 'margin: 0'}, element('div', {class: 'legend'}, ...data.legend.map(([name, colour]) => {
    const swatch = shape('svg', {width: 12, height: 12});
    swatch.append(shape('rect', {class: colour, width: 12, height: 12, rx: 2}));
    return element('span', {}, swatch, name);
  }))),
]);

function clearFilters() {
  processSelect.value = -1;
  fillThreads(-1);
  setFilter({process: -1, thread: -1, from: 0, to: data.bins});
}

function updateMatches() {
  matches.classList.toggle('bad', Boolean(state.search && state.search.literal));
  previousButton.disabled = nextButton.disabled = !state.search;
  if (!state.search) {
    matches.textContent = '';
    return;
  }
  const found = formatPercent(matchedValue(), state.values.total[0]);
  const hits = state.drawn.filter(({frame}) => frame.fn >= 0 && state.search.matches[frame.fn]).length;
  const position = state.search.current >= 0 ? `${state.search.current + 1} of ${hits}` : `${hits} frame${hits === 1 ? '' : 's'}`;
  matches.textContent = `${found} matched, ${position}${state.search.literal ? ' (no regular expression: taken literally)' : ''}`;
}

function updateControls() {
  for (const each of formButtons) each.setAttribute('aria-pressed', String(each.dataset.form === state.form));
  foldButton.setAttribute('aria-pressed', String(state.fold));
  backButton.disabled = state.back.length === 0;
  resetButton.disabled = !state.zoomed.parent;
  const all = state.tree.value;
  if (data.difference) summary.textContent = data.difference.summary;
  else summary.textContent = `${formatValue(all)} ${data.words} over ${formatTime(data.duration)}` +
      (data.counted ? `, ${data.samples.toLocaleString('en')} ${data.counted}s` : '') + (data.filters ? `; recorded data filtered by: ${data.filters}` : '') +
      (data.complete ? '' : '; the trace is damaged, see Quality');
  const parts = [];
  if (data.leftOutFrames > 0) parts.push(`${data.leftOutFrames.toLocaleString('en')} frames under a pixel left out of this file`);
  if (undrawn > 0) parts.push(`${undrawn.toLocaleString('en')} not drawn at this zoom`);
  leftOut.textContent = parts.join(', ');
  fromInput.value = secondsOf(state.filter.from);
  toInput.value = secondsOf(state.filter.to);
  drawTimeline();
  updateMatches();
}
