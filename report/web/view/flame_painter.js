// SPDX-License-Identifier: Apache-2.0
// Draws the rows of a flame graph that are in sight on a canvas, in the pixels of the device, and on a second one above it
// what follows the pointer, so that frames need not be drawn again for it.
import {el} from './dom.js';
import {TextFitter} from './flame_text.js';

/**
 * @typedef {object} Scene
 * @property {import('./flame_layout.js').FlameLayout} layout
 * @property {import('./flame_inks.js').FrameInks} inks
 * @property {(at: number) => string} nameOf
 * @property {boolean} flame callees above callers
 * @property {number} rowHeight CSS pixels, as all below
 * @property {number} height of all rows, or of the window when that is more
 * @property {number} window what of it has room
 * @property {number} top what of it is scrolled away
 */

const kFont = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const kPadding = 4;

/** The upper edge of a row. @param {Scene} scene @param {number} row */
export function topOfRow({flame, height, rowHeight}, row) {
  return flame ? height - (row + 1) * rowHeight : row * rowHeight;
}

/** @param {Scene} scene @param {number} y @returns {number} may be none that there is */
export function rowUnder({flame, height, rowHeight}, y) {
  return Math.floor((flame ? height - y : y) / rowHeight);
}

export class FlamePainter {
  constructor() {
    this.frames = el('canvas', {'aria-hidden': 'true'});
    this.marks = el('canvas', {class: 'flame-marks', 'aria-hidden': 'true'});
    this.width = 0;
    this.height = 0;
    this.ratio = 1;
    /** @type {Map<number, TextFitter>} by size of the font */
    this.fitters = new Map();
    /** @type {Map<string, CanvasPattern|string>} by the colour of the text */
    this.hatchings = new Map();
  }

  /** @param {number} width @param {number} height @returns {boolean} it has another size now */
  resize(width, height) {
    const ratio = window.devicePixelRatio || 1;
    if (width === this.width && height === this.height && ratio === this.ratio) return false;
    Object.assign(this, {width, height, ratio});
    this.hatchings.clear();
    for (const canvas of [this.frames, this.marks]) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    return true;
  }

  /** @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} cleared */
  cleared(canvas) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.clearRect(0, 0, canvas.width, canvas.height);
    return context;
  }

  /** The rows in sight: first, and end. @param {Scene} scene @returns {[number, number]} */
  rowsInSight(scene) {
    const ends = [rowUnder(scene, scene.top), rowUnder(scene, scene.top + this.height)];
    return [Math.max(0, Math.min(...ends)), Math.min(scene.layout.rows, Math.max(...ends) + 1)];
  }

  /** Of a rectangle in pixels of the device: left, top, width, height. @param {Scene} scene @param {number} at @param {number} row */
  box(scene, at, row) {
    const {ratio} = this;
    const {x, width} = scene.layout;
    const left = Math.round(x[at] * ratio);
    const right = Math.round((x[at] + width[at]) * ratio);
    const top = Math.round((topOfRow(scene, row) - scene.top) * ratio);
    const gap = width[at] > 2 ? Math.max(1, Math.round(0.6 * ratio)) : 0;
    return [left, top, Math.max(1, right - left - gap), Math.round(scene.rowHeight * ratio) - Math.max(1, Math.round(ratio))];
  }

  /** @param {Scene} scene */
  draw(scene) {
    const context = this.cleared(this.frames);
    const [first, end] = this.rowsInSight(scene);
    this.drawBoxes(context, scene, first, end);
    this.drawNames(context, scene, first, end);
  }

  /** @param {CanvasRenderingContext2D} context @param {Scene} scene @param {number} first @param {number} end */
  drawBoxes(context, scene, first, end) {
    const {rowStart} = scene.layout;
    const {inks, ink, hatched} = scene.inks;
    const round = 2 * this.ratio;
    let last = -1;
    for (let row = first; row < end; row++) {
      for (let at = rowStart[row]; at < rowStart[row + 1]; at++) {
        const [left, top, width, height] = this.box(scene, at, row);
        if (ink[at] !== last) {
          last = ink[at];
          context.fillStyle = inks[last].fill;
        }
        if (width > 6 * this.ratio) {
          context.beginPath();
          context.roundRect(left, top, width, height, round);
          context.fill();
        } else {
          context.fillRect(left, top, width, height);
        }
        if (hatched && hatched[at] === 1) {
          context.fillStyle = this.hatching(context, inks[last].text);
          context.fillRect(left, top, width, height);
          last = -1;
        }
      }
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {Scene} scene @param {number} first @param {number} end */
  drawNames(context, scene, first, end) {
    const {layout, rowHeight} = scene;
    const {inks, ink} = scene.inks;
    const size = fontSize(rowHeight);
    const fitter = this.fitter(size);
    const least = fitter.latinWidth * 3 + 2 * kPadding;
    context.font = `${size * this.ratio}px ${kFont}`;
    context.textBaseline = 'alphabetic';
    let last = '';
    for (let row = first; row < end; row++) {
      const baseline = Math.round((topOfRow(scene, row) - scene.top + rowHeight / 2 + size * 0.33) * this.ratio);
      for (let at = layout.rowStart[row]; at < layout.rowStart[row + 1]; at++) {
        if (layout.width[at] < least) continue;
        const text = fitter.fit(scene.nameOf(at), layout.width[at] - 2 * kPadding);
        if (text === '') continue;
        const colour = inks[ink[at]].text;
        if (colour !== last) context.fillStyle = last = colour;
        context.fillText(text, Math.round((layout.x[at] + kPadding) * this.ratio), baseline);
      }
    }
  }

  /** Outlines. @param {Scene} scene @param {{at: number, colour: string, width: number}[]} marks */
  drawMarks(scene, marks) {
    const context = this.cleared(this.marks);
    for (const {at, colour, width: line} of marks) {
      const [left, top, width, height] = this.box(scene, at, scene.layout.rowOf(at));
      const stroke = line * this.ratio;
      context.strokeStyle = colour;
      context.lineWidth = stroke;
      // Inside the frame, where it has room for that: its neighbours stay as they are.
      const inset = Math.min(stroke / 2, width / 4);
      context.strokeRect(left + inset, top + stroke / 2, Math.max(0.5, width - 2 * inset), height - stroke);
    }
  }

  /** @param {number} size @returns {TextFitter} */
  fitter(size) {
    let fitter = this.fitters.get(size);
    if (!fitter) {
      const context = /** @type {CanvasRenderingContext2D} */ (this.frames.getContext('2d'));
      fitter = new TextFitter((text) => {
        const font = context.font;
        context.font = `${size}px ${kFont}`;
        const {width} = context.measureText(text);
        context.font = font;
        return width;
      });
      this.fitters.set(size, fitter);
    }
    return fitter;
  }

  /** Lines that leave the text on them as readable as it is. @param {CanvasRenderingContext2D} context @param {string} text */
  hatching(context, text) {
    const known = this.hatchings.get(text);
    if (known) return known;
    const side = Math.round(6 * this.ratio);
    const tile = el('canvas', {width: side, height: side});
    const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d'));
    pen.strokeStyle = text === '#ffffff' ? 'rgb(0 0 0 / .45)' : 'rgb(255 255 255 / .6)';
    pen.lineWidth = 1.5 * this.ratio;
    for (const offset of [-side, 0, side]) {
      pen.moveTo(offset - side / 2, side * 1.5);
      pen.lineTo(offset + side * 1.5, -side / 2);
    }
    pen.stroke();
    const made = context.createPattern(tile, 'repeat') || 'transparent';
    this.hatchings.set(text, made);
    return made;
  }
}

/** @param {number} rowHeight */
function fontSize(rowHeight) {
  return rowHeight <= 15 ? 10.5 : rowHeight <= 19 ? 12 : 13;
}
