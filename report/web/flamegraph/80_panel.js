// SPDX-License-Identifier: Apache-2.0
// The panel over the graph: the recording's quality, or the keys.

const kKeys = [
  ['click, Enter', 'zoom to a frame'], ['Escape', 'close this, leave the search, or zoom out one step'], ['Backspace', 'back to the view before'],
  ['0', 'show everything'], ['arrows', 'go to the caller, a callee, or the frame beside'], ['/', 'search; a regular expression'],
  ['n, N', 'next and previous match'], ['i', 'icicle, flame, bottom-up'], ['f', 'fold or unfold direct recursion'], ['d', 'light or dark'], ['?', 'these keys'],
];

const panel = island('panel', []);
panel.box.setAttribute('visibility', 'hidden');
panel.inner.setAttribute('role', 'dialog');
panel.inner.setAttribute('tabindex', -1);
let panelShown = '';

function openPanel(what) {
  if (panelShown === what) {
    closePanel();
    return;
  }
  panelShown = what;
  const entries = what === 'keys' ?
      kKeys.flatMap(([key, text]) => [element('dt', {}, element('kbd', {}, key)), element('dd', {}, text)]) :
      data.quality.flatMap(([label, text, mood]) => [element('dt', {}, label), element('dd', {class: mood}, text)]);
  panel.inner.replaceChildren(element('h2', {}, what === 'keys' ? 'Keys' : 'Quality of this recording'), element('dl', {}, ...entries));
  panel.inner.setAttribute('aria-label', what);
  const width = Math.min(720, window.innerWidth - 40);
  panel.box.setAttribute('width', width);
  panel.box.setAttribute('x', (window.innerWidth - width) / 2 + window.scrollX);
  panel.box.setAttribute('y', 130 + window.scrollY);
  panel.box.setAttribute('visibility', 'visible');
  panel.inner.focus();
}

function closePanel() {
  panelShown = '';
  panel.box.setAttribute('visibility', 'hidden');
}
