// SPDX-License-Identifier: Apache-2.0
// Which rows of a table are in sight, and where it is scrolled to show one. All numbers are pixels or row numbers.

const kBeyond = 6;  // rows drawn above and below the window, so that a small scroll shows no blank

// [first, end) of the rows to draw.
/** @param {number} scrollTop @param {number} height @param {number} rowHeight @param {number} count */
export function rowsInSight(scrollTop, height, rowHeight, count) {
  const first = Math.max(0, Math.min(count, Math.floor(scrollTop / rowHeight) - kBeyond));
  const end = Math.max(first, Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + kBeyond));
  return {first, end};
}

// Where to scroll so that a row is wholly seen: no further than needed, but to the middle if it is far away. `height` is
// that of the rows' window.
/** @param {number} row @param {number} scrollTop @param {number} height @param {number} rowHeight */
export function scrollToShow(row, scrollTop, height, rowHeight) {
  const top = row * rowHeight;
  if (top + height < scrollTop || top > scrollTop + 2 * height) return Math.max(0, top - Math.floor(height / 2));
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return Math.max(0, top + rowHeight - height);
  return scrollTop;
}

// The row that a key leads to from `active`, or -1: the key is no such key.
/** @param {string} key @param {number} active @param {number} count @param {number} page */
export function rowForKey(key, active, count, page) {
  const last = count - 1;
  switch (key) {
    case 'ArrowDown':
      return Math.min(last, active + 1);
    case 'ArrowUp':
      return Math.max(0, active - 1);
    case 'PageDown':
      return Math.min(last, active + page);
    case 'PageUp':
      return Math.max(0, active - page);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return -1;
  }
}

// The first row from `from` on, around the end, whose name holds `text`; one that begins with it (or has a part after ::
// that does) comes before those that merely hold it. -1: none.
/** @param {string} text @param {number} from @param {number} count @param {(row: number) => string} nameOf */
export function findByName(text, from, count, nameOf) {
  const wanted = text.toLowerCase();
  let held = -1;
  for (let i = 0; i < count; i++) {
    const row = (from + i) % count;
    const name = nameOf(row).toLowerCase();
    const at = name.indexOf(wanted);
    if (at < 0) continue;
    if (at === 0 || name.startsWith('::', at - 2)) return row;
    if (held < 0) held = row;
  }
  return held;
}
