// SPDX-License-Identifier: Apache-2.0
// The page: elements, and the state that everything else reads and changes.

const SVG = 'http://www.w3.org/2000/svg';
const XHTML = 'http://www.w3.org/1999/xhtml';
const svg = document.documentElement;
const kRow = 18;
const kMargin = 10;

const state = {
  form: data.form,  // icicle, flame or inverted
  // Deep recursion makes a page that nobody scrolls through.
  fold: (({frames, recursive}) => frames > 150 && recursive > 50)(measureDepth()),
  filter: {process: -1, thread: -1, from: 0, to: data.bins},
  search: null,     // {text, test(name)}
  zoomed: null,     // a Frame: its width is the whole
  back: [],         // paths of frames zoomed to before
  tree: null,       // the root Frame
  values: null,
  drawn: [],        // [{frame, x, width, row, element}], in reading order
  focused: null,    // an element of drawn
};

function element(name, attributes = {}, ...children) {
  const made = document.createElementNS(XHTML, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

function shape(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// An HTML island in the SVG; the box is given a size by whoever fills it.
function island(id, content) {
  const box = shape('foreignObject', {id: id + '-box', x: 0, y: 0, width: 1, height: 1, style: 'overflow: visible'});
  const inner = element('div', {id}, ...content);
  box.append(inner);
  return {box, inner};
}

// Without the scroll bar.
const windowWidth = () => Math.floor(window.visualViewport ? window.visualViewport.width : window.innerWidth);

// One character of the frames' font.
const characterWidth = (() => {
  const probe = shape('text', {x: 0, y: -100});
  probe.textContent = 'M'.repeat(100);
  svg.append(probe);
  const width = probe.getComputedTextLength() / 100;
  probe.remove();
  return width || 7.25;
})();

// A name in so many characters: it loses its parameters first, then the insides of its template arguments from the
// inside out, and its end last.
function shorten(name, room) {
  if (name.length <= room) return name;
  let shown = name.replace(/^(.+?[^ ])\(.*\)( const)?$/, '$1(…)$2');
  while (shown.length > room) {
    const folded = shown.replace(/<[^<>…]{2,}>/g, '<…>').replace(/<[^<>]*<…>[^<>]*>/g, '<…>');
    if (folded === shown) break;
    shown = folded;
  }
  return shown.length <= room ? shown : shown.slice(0, Math.max(1, room - 1)) + '…';
}
