// SPDX-License-Identifier: Apache-2.0
// What is known of the frame under the mouse or the keyboard's focus.

const tooltip = island('tooltip', []);
tooltip.box.setAttribute('visibility', 'hidden');
tooltip.inner.setAttribute('role', 'tooltip');

function tooltipContent(frame) {
  const {functionSelf, functionTotal} = state.values;
  const all = state.tree.value;
  const lines = [element('b', {}, frame.name)];
  const rows = [];
  const row = (name, value, whole = all) => rows.push(element('tr', {}, element('td', {}, name), element('td', {}, formatValue(value)),
      element('td', {}, formatPercent(value, whole))));
  if (frame.fn >= 0) {
    const fn = functions[frame.fn];
    const kind = frame.inlined ? 'inlined' : fn.kind === 'native' ? '' : fn.kind;
    const where = [fn.module, kind, fn.file && fn.file + (fn.line ? ':' + fn.line : '')].filter(Boolean);
    if (frame.recursion > 1) where.push(`calls itself, ${frame.recursion.toLocaleString('en')} deep`);
    if (where.length > 0) lines.push(element('div', {class: 'where'}, where.join(' · ')));
  }
  if (data.difference) {
    const {base, newer} = changeOf(frame);
    const whole = changeOf(state.tree);
    row('base', base, whole.base);
    row('new', newer, whole.newer);
    rows.push(element('tr', {}, element('td', {}, 'change'), element('td', {colspan: 2}, changeText(frame))));
  } else if (frame.fn >= 0) {
    row(state.form === 'inverted' && frame.depth > 1 ? 'as caller' : 'total', frame.value);
    if (state.form !== 'inverted' || frame.depth === 1) row('self', frame.self);
    if (Math.abs(functionTotal[frame.fn] - frame.value) > 0.5) {
      row('function, total', functionTotal[frame.fn]);
      row('function, self', functionSelf[frame.fn]);
    }
  } else if (frame.parent) {
    lines.push(element('div', {class: 'where'}, 'each under a pixel on a wide screen; not in this file'));
    row('together', frame.value);
  } else {
    row('total', frame.value);
  }
  if (data.entryWidth > 2 && !data.difference) {
    rows.push(element('tr', {}, element('td', {}, data.counted + 's'), element('td', {}, frame.count.toLocaleString('en')),
        element('td', {}, frame.count > 0 ? formatBytes(frame.value * data.scale / frame.count) + ' each' : '')));
  }
  if (state.zoomed.parent && frame.depth > state.zoomed.depth) {
    rows.push(element('tr', {}, element('td', {}, 'of the zoomed frame'), element('td', {}),
        element('td', {}, formatPercent(frame.value, state.zoomed.value))));
  }
  lines.push(element('table', {}, ...rows));
  return lines;
}

// At (x, y) of the window, where there is room.
function showTooltip(frame, x, y) {
  tooltip.inner.replaceChildren(...tooltipContent(frame));
  const box = tooltip.inner.getBoundingClientRect();
  const left = Math.max(4, Math.min(x + 14, window.innerWidth - box.width - 8));
  const above = y + 20 + box.height > window.innerHeight;
  const top = above ? Math.max(4, y - box.height - 12) : y + 18;
  tooltip.box.setAttribute('x', left + window.scrollX);
  tooltip.box.setAttribute('y', top + window.scrollY);
  tooltip.box.setAttribute('visibility', 'visible');
}

function hideTooltip() {
  tooltip.box.setAttribute('visibility', 'hidden');
}
