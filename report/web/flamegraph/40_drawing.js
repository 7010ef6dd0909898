// SPDX-License-Identifier: Apache-2.0
// From a tree to rectangles. Only frames at least half a pixel wide are drawn; the others are counted.

const graph = shape('g', {id: 'graph', role: 'group', 'aria-label': 'flame graph'});
let undrawn = 0;

// [{frame, x, width, row}]: the zoomed frame and what is above it over the whole width, its descendants by value.
function layOut(zoomed, width) {
  const places = [];
  undrawn = 0;
  for (let frame = zoomed; frame; frame = frame.parent) places.unshift({frame, x: kMargin, width, row: frame.depth});
  const visit = (frame, x, scale) => {
    for (const child of frame.children) {
      const childWidth = child.value * scale;
      if (childWidth < 0.5) {
        if (child.fn >= 0) undrawn++;
        continue;
      }
      places.push({frame: child, x, width: childWidth, row: child.depth});
      pending.push([child, x, scale]);
      x += childWidth;
    }
  };
  const pending = [];
  if (zoomed.value > 0) visit(zoomed, kMargin, width / zoomed.value);
  for (let i = 0; i < pending.length; i++) visit(...pending[i]);
  return places;
}

function colourClass(frame) {
  if (!frame.parent) return 'gb';
  if (frame.fn < 0) return 'x';
  if (data.difference) return changeClass(frame);
  return functions[frame.fn].colour + (frame.inlined ? ' i' : '');
}

function frameLabel(frame) {
  const where = frame.fn >= 0 && functions[frame.fn].module ? ', ' + functions[frame.fn].module : '';
  if (data.difference) return `${frame.name}, ${formatValue(changeOf(frame).base)} to ${formatValue(changeOf(frame).newer)}, ${changeText(frame)}${where}`;
  return `${frame.name}, ${formatPercent(frame.value, state.tree.value)}, ${formatValue(frame.value)}${where}`;
}

function drawFrame(place, y) {
  const {frame, x, width} = place;
  const classes = ['f'];
  if (state.zoomed.depth > frame.depth) classes.push('above');
  if (state.search && frame.fn >= 0 && state.search.matches[frame.fn]) classes.push('hit');
  const group = shape('g', {class: classes.join(' '), role: 'button', tabindex: -1, 'aria-label': frameLabel(frame)});
  group.append(shape('rect', {
    class: colourClass(frame), x: x.toFixed(2), y, width: Math.max(width - 0.6, 0.4).toFixed(2), height: kRow - 1, rx: width > 6 ? 2 : 0,
  }));
  const room = Math.floor((width - 7) / characterWidth);
  if (room >= 3) {
    const text = shape('text', {x: (x + 4).toFixed(2), y: y + 13});
    const mark = data.difference ? changeMark(frame) : '';
    const all = data.difference ? 'all' : `all: ${formatValue(frame.value)}`;
    text.textContent = mark + shorten(frame.parent ? frame.name : all, room - mark.length);
    group.append(text);
  }
  group.place = place;
  place.element = group;
  return group;
}

// Draws the state; `top` is the height of the controls.
function drawGraph(top) {
  const width = Math.max(320, windowWidth()) - 2 * kMargin;
  const focusedPath = state.focused ? state.focused.frame.path : null;
  const places = layOut(state.zoomed, width);
  const rows = places.reduce((most, place) => Math.max(most, place.row), 0) + 1;
  const bottom = top + rows * kRow;
  const fragment = document.createDocumentFragment();
  for (const place of places) {
    const y = state.form === 'flame' ? bottom - (place.row + 1) * kRow : top + place.row * kRow;
    fragment.append(drawFrame(place, y));
  }
  graph.replaceChildren(fragment);
  graph.classList.toggle('searching', Boolean(state.search));
  state.drawn = places;
  state.focused = null;
  const height = Math.max(bottom + 16, window.innerHeight - 4);
  const growth = height - Number(svg.getAttribute('height'));
  svg.setAttribute('width', width + 2 * kMargin);
  svg.setAttribute('height', height);
  svg.removeAttribute('viewBox');
  if (state.form === 'flame') window.scrollBy(0, growth);  // the root is at the bottom, and stays where it is seen
  const stop = places.find((place) => place.frame === state.zoomed);
  stop.element.setAttribute('tabindex', 0);
  if (focusedPath) {
    const again = state.tree.find(focusedPath);
    const place = places.find((each) => each.frame === again);
    if (place && document.activeElement === document.body) focusFrame(place);
  }
}
