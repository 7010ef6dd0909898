// SPDX-License-Identifier: Apache-2.0
// The mouse, pen or finger on a flame graph: a frame under it is told of, a click zooms, Shift or a second click zooms out,
// dragging scrolls.
import {frameTooltip} from './flame_tooltip.js';

/** @typedef {import('./flame_panel.js').FlamePanel} FlamePanel */

const kDragPixels = 4;

/** @param {FlamePanel} panel */
export function listenToPointer(panel) {
  const {element, context} = panel;
  /** @type {{y: number, top: number, moved: boolean}|null} */
  let drag = null;
  /** @type {number[]} the zoom before a click, which a double click is about */
  let zoomBefore = [];

  const hover = (/** @type {PointerEvent} */ event) => {
    const at = panel.indexAt(event);
    panel.hover(at);
    if (at >= 0) context.tooltip.show(event.clientX, event.clientY, ...frameTooltip(panel.shown(), at));
    else context.tooltip.hide();
  };
  const endDrag = () => {
    drag = null;
    element.classList.remove('dragged');
  };
  element.addEventListener('pointerdown', (event) => {
    if (event.button === 0 && panel.indexAt(event) >= 0) drag = {y: event.clientY, top: element.scrollTop, moved: false};
  });
  element.addEventListener('pointermove', (event) => {
    if (drag && event.buttons !== 1) endDrag();
    if (!drag) {
      hover(event);
      return;
    }
    const distance = event.clientY - drag.y;
    if (!drag.moved && Math.abs(distance) > kDragPixels && element.scrollHeight > element.clientHeight) {
      drag.moved = true;
      element.setPointerCapture(event.pointerId);
      element.classList.add('dragged');
      context.tooltip.hide();
    }
    if (drag.moved) element.scrollTop = drag.top - distance;
  });
  element.addEventListener('pointerleave', () => {
    panel.hover(-1);
    context.tooltip.hide();
  });
  element.addEventListener('click', (event) => {
    const moved = drag?.moved;
    endDrag();
    if (moved || event.detail > 1) return;
    zoomBefore = panel.state.zoom;
    const at = panel.indexAt(event);
    if (event.shiftKey) panel.zoomOut();
    else if (at >= 0) panel.zoomTo(at);
  });
  element.addEventListener('dblclick', () => panel.setZoom(zoomBefore.slice(0, -1)));
  element.addEventListener('contextmenu', (event) => {
    event.preventDefault();
    const byPointer = event.button === 2 || (event instanceof PointerEvent && event.pointerType === 'touch');
    const at = byPointer ? panel.indexAt(event) : panel.cursor;
    if (at >= 0) panel.openMenu(at, byPointer ? event : null);
  });
}
