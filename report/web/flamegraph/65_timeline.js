// SPDX-License-Identifier: Apache-2.0
// The time line: how busy each part of the recording was; dragging over it filters by time.

const kTimelineWidth = 260;
const kTimelineHeight = 28;
const timeline = shape('svg', {class: 'timeline', width: kTimelineWidth, height: kTimelineHeight, role: 'img',
  'aria-label': 'time line; drag to filter by time'});
const timelineBars = shape('g');  // no target of events: it is drawn anew between the two clicks of a double click
const timelineTitle = shape('title');
timeline.append(timelineTitle, timelineBars);

function drawTimeline() {
  const {bins} = state.values;
  const most = Math.max(...bins, 1e-9);
  const width = kTimelineWidth / data.bins;
  timelineBars.replaceChildren(...Array.from(bins, (value, bin) => {
    const height = value === 0 ? 0 : Math.max(1, value / most * (kTimelineHeight - 4));
    const inside = bin >= state.filter.from && bin < state.filter.to;
    return shape('rect', {class: inside ? 'bar in' : 'bar', x: (bin * width).toFixed(2), y: (kTimelineHeight - height).toFixed(1),
      width: Math.max(width - 0.5, 0.5).toFixed(2), height: height.toFixed(1)});
  }));
}

(() => {
  let start = -1;
  const binAt = (event) => {
    const box = timeline.getBoundingClientRect();
    return Math.max(0, Math.min(data.bins - 1, Math.floor((event.clientX - box.left) / box.width * data.bins)));
  };
  const select = (event) => {
    const end = binAt(event);
    setFilter({from: Math.min(start, end), to: Math.max(start, end) + 1});
  };
  timeline.addEventListener('pointerdown', (event) => {
    start = binAt(event);
    timeline.setPointerCapture(event.pointerId);
    select(event);
  });
  timeline.addEventListener('pointermove', (event) => {
    const bin = binAt(event);
    timelineTitle.textContent = `from ${secondsOf(bin)} s: ${formatValue(state.values.bins[bin])}; drag to filter, double click for all`;
    if (start >= 0) select(event);
  });
  timeline.addEventListener('pointerup', () => { start = -1; });
  timeline.addEventListener('dblclick', () => setFilter({from: 0, to: data.bins}));
})();
