// SPDX-License-Identifier: Apache-2.0
// The pointer and the keyboard on the timeline: a slider whose value is the cursor's time, over the rows.

import {el} from './dom.js';
import {timeText} from './format.js';
import {clampRange, moveRange, rangeText, zoomRange} from './time_scale.js';

const kDragFrom = 4;  // pixels

export class TimelineInput {
  /** @param {import('./timeline.js').Timeline} timeline */
  constructor(timeline) {
    this.timeline = timeline;
    this.cursorLine = el('div', {class: 'timeline-cursor', hidden: true});
    this.selected = el('div', {class: 'timeline-selection', hidden: true});
    this.element = el('div', {class: 'timeline-input', role: 'slider', tabindex: 0, 'aria-label': 'Time', 'aria-orientation': 'horizontal'}, this.selected, this.cursorLine);
    this.cursor = 0;
    /** @type {number|null} where a selection began */
    this.anchor = null;
    /** @type {{x: number, time: number, dragging: boolean}|null} */
    this.drag = null;
    const on = (/** @type {string} */ name, /** @type {(event: any) => void} */ action, passive = true) => this.element.addEventListener(name, action, {passive});
    on('pointerdown', (event) => this.onDown(event));
    on('pointermove', (event) => this.onMove(event));
    on('pointerup', (event) => this.onUp(event));
    on('pointercancel', () => this.cancel());
    on('pointerleave', () => { if (!this.drag) this.leavePointer(); });
    on('dblclick', () => timeline.showAll());
    on('keydown', (event) => this.onKey(event), false);
    on('focus', () => this.showCursor());
    on('blur', () => {
      this.cancel();
      this.cursorLine.hidden = true;
    });
    on('wheel', (event) => this.onWheel(event), false);
  }

  // After the visible range changed.
  update() {
    const {from, to} = this.timeline.visible;
    this.cursor = Math.max(from, Math.min(this.cursor, to));
    for (const [name, value] of [['min', from], ['max', to]]) this.element.setAttribute(`aria-value${name}`, String(Math.round(Number(value))));
    this.drawSelection();
    this.sayCursor();
    if (document.activeElement === this.element) this.showCursor();
  }

  /** @param {MouseEvent} event */
  timeAt(event) {
    const box = this.element.getBoundingClientRect();
    const {from, to} = this.timeline.visible;
    return from + Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (to - from);
  }
  /** @param {number} time @returns {string} of the width */
  placeOf(time) {
    const {from, to} = this.timeline.visible;
    return `${100 * (time - from) / (to - from)}%`;
  }

  /** @param {PointerEvent} event */
  onDown(event) {
    if (event.button !== 0) return;
    this.anchor = null;
    this.drag = {x: event.clientX, time: this.timeAt(event), dragging: false};
    this.element.setPointerCapture(event.pointerId);
  }
  /** @param {PointerEvent} event */
  onMove(event) {
    const time = this.timeAt(event);
    if (this.drag && (this.drag.dragging || Math.abs(event.clientX - this.drag.x) >= kDragFrom)) {
      this.drag.dragging = true;
      this.anchor = this.drag.time;
      this.cursor = time;
      this.drawSelection();
    }
    this.cursorLine.hidden = false;
    this.cursorLine.style.left = this.placeOf(time);
    const y = event.clientY - this.element.getBoundingClientRect().top;
    const {tooltip} = this.timeline.context;
    if (this.anchor !== null && this.drag) tooltip.show(event.clientX, event.clientY, this.selectionText());
    else tooltip.show(event.clientX, event.clientY, ...this.timeline.tooltip(time, y));
  }
  /** @param {PointerEvent} event */
  onUp(event) {
    const {drag} = this;
    this.drag = null;
    this.cursor = this.timeAt(event);
    if (drag && drag.dragging) this.takeSelection();
    else this.sayCursor();
  }
  leavePointer() {
    this.timeline.context.tooltip.hide();
    if (document.activeElement === this.element) this.showCursor();
    else this.cursorLine.hidden = true;
  }

  /** @param {WheelEvent} event with Ctrl it zooms, sideways it moves; else the rows scroll */
  onWheel(event) {
    const {visible, range} = this.timeline;
    if (event.ctrlKey || event.metaKey) this.timeline.setVisible(zoomRange(visible, this.timeAt(event), 1.0015 ** event.deltaY, range));
    else if (event.deltaX !== 0 || event.shiftKey) {
      const part = (event.deltaX || event.deltaY) / this.element.clientWidth;
      this.timeline.setVisible(moveRange(visible, part * (visible.to - visible.from), range));
    } else return;
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.handleKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }
  /** @param {KeyboardEvent} event @returns {boolean} */
  handleKey({key, shiftKey}) {
    const {visible, range} = this.timeline;
    const length = visible.to - visible.from;
    const places = /** @type {Record<string, number>} */ ({
      ArrowRight: this.cursor + 0.01 * length, ArrowLeft: this.cursor - 0.01 * length, PageDown: this.cursor + 0.1 * length,
      PageUp: this.cursor - 0.1 * length, Home: range.from, End: range.to,
    });
    if (key in places) this.moveCursor(places[key], shiftKey);
    else if (key === 'Enter' && this.anchor !== null) this.takeSelection();
    else if (key === '+' || key === '=') this.timeline.setVisible(zoomRange(visible, this.cursor, 0.5, range));
    else if (key === '-') this.timeline.setVisible(zoomRange(visible, this.cursor, 2, range));
    else if (key === 'Escape') return this.cancel() || this.timeline.leave();
    else return false;
    return true;
  }
  /** @param {number} time @param {boolean} selecting */
  moveCursor(time, selecting) {
    if (selecting) this.anchor ??= this.cursor;
    else this.anchor = null;
    const {visible, range} = this.timeline;
    this.cursor = Math.max(range.from, Math.min(time, range.to));
    const beyond = this.cursor < visible.from ? this.cursor - visible.from : Math.max(0, this.cursor - visible.to);
    if (beyond !== 0) this.timeline.setVisible(moveRange(visible, beyond, range));
    this.drawSelection();
    this.sayCursor();
    this.showCursor();
    if (this.anchor !== null) this.timeline.context.announce(`${this.selectionText()}; Enter takes it`);
  }

  get selection() {
    return clampRange({from: this.anchor ?? this.cursor, to: this.cursor}, this.timeline.range);
  }
  selectionText() {
    const {selection} = this;
    return `${rangeText(selection)}, ${timeText(selection.to - selection.from)}`;
  }
  takeSelection() {
    const {selection} = this;
    const isEmpty = this.anchor === this.cursor;
    this.cancel();
    if (isEmpty) return;
    this.cursor = selection.from;
    this.timeline.take(selection);
  }
  // Gives up a selection. @returns {boolean} there was one
  cancel() {
    const was = this.anchor !== null;
    this.anchor = null;
    this.drag = null;
    this.drawSelection();
    return was;
  }
  drawSelection() {
    this.selected.hidden = this.anchor === null;
    if (this.anchor === null) return;
    const {from, to} = this.selection;
    this.selected.style.left = this.placeOf(from);
    this.selected.style.right = `calc(100% - ${this.placeOf(to)})`;
  }
  showCursor() {
    this.cursorLine.hidden = false;
    this.cursorLine.style.left = this.placeOf(this.cursor);
  }
  sayCursor() {
    this.element.setAttribute('aria-valuenow', String(Math.round(this.cursor)));
    this.element.setAttribute('aria-valuetext', this.timeline.cursorText(this.cursor));
  }
}
