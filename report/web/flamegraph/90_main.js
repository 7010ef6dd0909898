// SPDX-License-Identifier: Apache-2.0
// What the user can do, and the start.

function redraw() {
  hideTooltip();
  updateControls();
  controls.box.setAttribute('width', windowWidth());
  const height = Math.ceil(controls.inner.getBoundingClientRect().height);
  controls.box.setAttribute('height', height);
  drawGraph(height + 8);
  updateControls();  // the counts of what was drawn
}

function buildTree() {
  state.values = measure(state.filter);
  const path = state.zoomed ? state.zoomed.path : [];
  state.tree = (state.form === 'inverted' ? bottomUpTree : topDownTree)(state.values, state.fold);
  state.zoomed = state.tree.find(path);
}

function setForm(form) {
  if ((form === 'inverted') !== (state.form === 'inverted')) {
    state.zoomed = null;
    state.back = [];
  }
  state.form = form;
  state.focused = null;
  buildTree();
  redraw();
  window.scrollTo(0, form === 'flame' ? svg.getAttribute('height') : 0);
}

function toggleFolding() {
  state.fold = !state.fold;
  state.zoomed = null;
  state.back = [];
  setForm(state.form);
}

function setFilter(change) {
  Object.assign(state.filter, change);
  buildTree();
  redraw();
}

function zoomTo(frame) {
  if (frame === state.zoomed || (frame.fn < 0 && frame.parent)) return;
  state.back.push(state.zoomed.path);
  state.zoomed = frame;
  if (state.search) state.search.current = -1;
  redraw();
}

function zoomBack() {
  if (state.back.length === 0) return;
  state.zoomed = state.tree.find(state.back.pop());
  redraw();
}

function toggleTheme() {
  const dark = svg.dataset.theme ? svg.dataset.theme === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
  svg.dataset.theme = dark ? 'light' : 'dark';
}

// Moves the keyboard's focus to a drawn frame, scrolled into view below the controls.
function focusFrame(place) {
  if (state.focused && state.focused.element) state.focused.element.setAttribute('tabindex', -1);
  state.focused = place;
  place.element.setAttribute('tabindex', 0);
  const header = controls.inner.getBoundingClientRect().height;
  const box = place.element.getBoundingClientRect();
  if (box.top < header + 4) window.scrollBy(0, box.top - header - 40);
  else if (box.bottom > window.innerHeight - 4) window.scrollBy(0, box.bottom - window.innerHeight + 120);
  place.element.focus({preventScroll: true});
  const after = place.element.getBoundingClientRect();
  showTooltip(place.frame, Math.max(after.left, 0), after.bottom - 12);
}

function neighbour(key) {
  const at = state.focused || state.drawn.find((place) => place.frame === state.zoomed);
  const rootwards = state.form === 'flame' ? 'ArrowDown' : 'ArrowUp';
  const leafwards = state.form === 'flame' ? 'ArrowUp' : 'ArrowDown';
  if (key === rootwards) return state.drawn.find((place) => place.frame === at.frame.parent);
  if (key === leafwards) return state.drawn.find((place) => place.frame.parent === at.frame);
  const row = state.drawn.filter((place) => place.row === at.row);
  return row[row.indexOf(at) + (key === 'ArrowRight' ? 1 : -1)];
}

function onKey(event) {
  const typing = event.target.localName === 'input' || event.target.localName === 'select';
  if (event.key === 'Escape') {
    if (panelShown) closePanel();
    else if (typing && searchInput.value === '') event.target.blur();
    else if (state.search) {
      searchInput.value = '';
      setSearch('');
    } else if (state.zoomed.parent) zoomTo(state.zoomed.parent);
    hideTooltip();
    return;
  }
  if (event.target === searchInput && event.key === 'Enter') {
    event.preventDefault();
    stepMatch(event.shiftKey ? -1 : 1);
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Enter' && event.target.place) zoomTo(event.target.place.frame);
  else if (event.key.startsWith('Arrow')) {
    const next = neighbour(event.key);
    if (next) focusFrame(next);
  } else if (event.key === '/') searchInput.focus();
  else if (event.key === 'n') stepMatch(1);
  else if (event.key === 'N') stepMatch(-1);
  else if (event.key === '?') openPanel('keys');
  else if (event.key === '0') zoomTo(state.tree);
  else if (event.key === 'Backspace') zoomBack();
  else if (event.key === 'd') toggleTheme();
  else if (event.key === 'f') toggleFolding();
  else if (event.key === 'i') setForm({icicle: 'flame', flame: 'inverted', inverted: 'icicle'}[state.form]);
  else return;
  event.preventDefault();
}

function placeOf(event) {
  const group = event.target.closest && event.target.closest('.f');
  return group ? group.place : null;
}

graph.addEventListener('click', (event) => {
  const place = placeOf(event);
  if (place) zoomTo(place.frame);
});
graph.addEventListener('mousemove', (event) => {
  const place = placeOf(event);
  if (place) showTooltip(place.frame, event.clientX, event.clientY);
  else hideTooltip();
});
graph.addEventListener('mouseleave', hideTooltip);
document.addEventListener('keydown', onKey);
window.addEventListener('resize', redraw);
window.addEventListener('scroll', () => {
  controls.box.setAttribute('y', window.scrollY);
  hideTooltip();
});

document.getElementById('picture').remove();
svg.setAttribute('role', 'document');
svg.append(graph, controls.box, tooltip.box, panel.box);
fillThreads(-1);
buildTree();
redraw();
if (state.form === 'flame') window.scrollTo(0, svg.getAttribute('height'));
