// SPDX-License-Identifier: Apache-2.0
// The timeline's canvas. Lanes are written pixel by pixel: a thousand bins of a dozen lanes in ten states would be too
// many rectangles to draw within a frame.

import {bytesText} from './format.js';
import {kInKernel, kRunning, kThreadStates} from './thread_states.js';
import {exitMood} from './process_rows.js';
import {tickText, timeTicks} from './time_scale.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./timeline_cells.js').LaneBins} LaneBins */
/** @typedef {import('./timeline_layout.js').TimelineRow} TimelineRow */
/** @typedef {{from: number, to: number}} TimeRange */
/** @typedef {{states: Uint32Array, dimmed: Uint32Array, text: string, dim: string, line: string, accent: string, bad: string, panel: string, resident: string, region: Uint32Array, font: string}} TimelineColours */
/** @typedef {{most: Float64Array, peak: {time: number, bytes: number}}} MemoryBins */

// As the style sheet has them.
/** @param {Element} element @returns {TimelineColours} */
export function timelineColours(element) {
  const style = getComputedStyle(element);
  const colour = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  const states = kThreadStates.map(({name}) => packed(colour(`state-${name}`)));
  return {
    states: Uint32Array.from(states), dimmed: Uint32Array.from(states, (each) => (each & 0xffffff | 0x50000000) >>> 0),
    text: colour('fg'), dim: colour('dim'), line: colour('line'), accent: colour('accent'), bad: colour('bad'), panel: colour('panel'),
    resident: colour('state-input'), region: Uint32Array.of(packed(colour('accent'))), font: '11px ' + style.fontFamily,
  };
}

// "#rrggbb" as a little-endian pixel.
/** @param {string} hex */
function packed(hex) {
  const value = parseInt(hex.slice(1), 16) || 0;
  return (0xff000000 | (value & 0xff) << 16 | value & 0xff00 | value >> 16) >>> 0;
}

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height in CSS pixels @returns {CanvasRenderingContext2D} cleared */
export function sizedCanvas(canvas, width, height) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// A lane: in each bin the parts of the states on each other, `scale` being the full height.
/**
 * @param {CanvasRenderingContext2D} context @param {TimelineRow} row @param {number} bins
 * @param {(state: number, bin: number) => number} part @param {number} scale @param {Uint32Array} colours of the states that are shown
 */
export function paintLane(context, row, bins, part, scale, colours) {
  const ratio = context.getTransform().a;
  const height = Math.round(row.height * ratio);
  const width = context.canvas.width;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const perBin = width / bins;
  for (let bin = 0; bin < bins; bin++) {
    let sum = 0;
    let bottom = height;
    const left = Math.round(bin * perBin);
    const right = Math.round((bin + 1) * perBin);
    for (let state = 0; state < colours.length && bottom > 0; state++) {
      const value = part(state, bin);
      if (value <= 0) continue;
      sum += value;
      let top = Math.max(0, Math.round(height * (1 - sum / scale)));
      if (top === bottom && top > 0 && value / scale > 0.002 && state <= kInKernel) top--;  // a little work is seen
      fillPixels(pixels, width, left, right, top, bottom, colours[state]);
      bottom = top;
    }
  }
  context.putImageData(image, 0, Math.round(row.y * ratio));
}

// A few pixels at a time, for which fill() costs more than a loop.
/** @param {Uint32Array} pixels @param {number} width of the image @param {number} left @param {number} right @param {number} top @param {number} bottom @param {number} colour */
function fillPixels(pixels, width, left, right, top, bottom, colour) {
  for (let y = top; y < bottom; y++) {
    for (let at = y * width + left; at < y * width + right; at++) pixels[at] = colour;
  }
}

// All processors in use, and a line at each whole number of them that there is room for.
/** @param {CanvasRenderingContext2D} context @param {TimelineRow} row @param {LaneBins} bins @param {number} lane -1: of all lanes @param {TimelineColours} colours */
export function paintProcessors(context, row, bins, lane, colours) {
  const part = (/** @type {number} */ state, /** @type {number} */ bin) => {
    if (lane >= 0) return bins.part(lane, state, bin);
    let sum = 0;
    for (let each = 0; each < bins.lanes; each++) sum += bins.part(each, state, bin);
    return sum;
  };
  let most = 0;
  for (let bin = 0; bin < bins.bins; bin++) most = Math.max(most, part(kRunning, bin) + part(kInKernel, bin));
  const scale = Math.max(1, most) * 1.06;
  paintLane(context, row, bins.bins, part, scale, colours.states.subarray(0, 2));
  const step = Math.max(1, Math.ceil(most / 3));
  for (let cpus = step; cpus <= Math.max(1, most); cpus += step) {
    gridLine(context, row.y + row.height * (1 - cpus / scale), `${cpus} CPU${cpus === 1 ? '' : 's'}`, 'right', colours);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} y @param {string} text @param {'left'|'right'} side @param {TimelineColours} colours */
function gridLine(context, y, text, side, colours) {
  const width = context.canvas.width / context.getTransform().a;
  context.fillStyle = colours.line;
  context.globalAlpha = 0.8;
  context.fillRect(0, Math.round(y), width, 1);
  context.globalAlpha = 1;
  label(context, text, side === 'left' ? 4 : width - 4, y + 7, side, colours.dim, colours.panel, colours);
}

// Text on a ground that keeps it readable over whatever is drawn; (x, y) is the middle of the side where it begins or ends.
/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {'left'|'right'} side @param {string} colour @param {string} ground @param {TimelineColours} colours */
function label(context, text, x, y, side, colour, ground, colours) {
  context.font = colours.font;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  const width = context.measureText(text).width;
  const left = side === 'left' ? x : x - width;
  context.globalAlpha *= 0.82;
  context.fillStyle = ground;
  context.beginPath();
  context.roundRect(left - 3, y - 6.5, width + 6, 13, 3);
  context.fill();
  context.globalAlpha /= 0.82;
  context.fillStyle = colour;
  context.fillText(text, left, y + 0.5);
}

// The live heap as an area, what is resident as a line, on one axis.
/**
 * @param {CanvasRenderingContext2D} context @param {TimelineRow} row @param {TimeRange} range
 * @param {MemoryBins|null} heap null: not shown @param {MemoryBins|null} resident @param {TimelineColours} colours
 */
export function paintMemory(context, row, range, heap, resident, colours) {
  const most = Math.max(heap ? heap.peak.bytes : 0, resident ? resident.peak.bytes : 0);
  if (most === 0) return;
  const width = context.canvas.width / context.getTransform().a;
  const yOf = (/** @type {number} */ bytes) => row.y + row.height - 1 - bytes / most * (row.height - 9);
  const trace = (/** @type {Float64Array} */ values) => {
    context.beginPath();
    for (let bin = 0; bin < values.length; bin++) context.lineTo((bin + 0.5) * width / values.length, yOf(values[bin]));
  };
  const line = 2 ** Math.floor(Math.log2(most));
  const peakAtRight = heap !== null && heap.peak.time - range.from > 0.6 * (range.to - range.from);
  gridLine(context, yOf(line), bytesText(line), peakAtRight ? 'left' : 'right', colours);
  if (resident && resident.peak.bytes > 0) {
    trace(resident.most);
    context.strokeStyle = colours.resident;
    context.lineWidth = 1.5;
    context.stroke();
  }
  if (!heap || heap.peak.bytes === 0) return;
  trace(heap.most);
  context.strokeStyle = colours.accent;
  context.lineWidth = 1.5;
  context.stroke();
  context.lineTo(width, row.y + row.height);
  context.lineTo(0, row.y + row.height);
  context.globalAlpha = 0.22;
  context.fillStyle = colours.accent;
  context.fill();
  context.globalAlpha = 1;
  const x = (heap.peak.time - range.from) / (range.to - range.from) * width;
  const y = yOf(heap.peak.bytes);
  context.fillStyle = colours.accent;
  context.beginPath();
  context.arc(x, y, 3, 0, 7);
  context.fill();
  label(context, bytesText(heap.peak.bytes), x + (peakAtRight ? -8 : 8), Math.max(y, row.y + 7), peakAtRight ? 'right' : 'left', colours.text, colours.panel, colours);
}

// A process from its start to its end, with a line down from the one that forked it.
/** @param {CanvasRenderingContext2D} context @param {TimelineRow[]} rows @param {TimeRange} range @param {Recording} recording @param {number} chosen -1: all @param {TimelineColours} colours */
export function paintProcesses(context, rows, range, recording, chosen, colours) {
  const width = context.canvas.width / context.getTransform().a;
  const xOf = (/** @type {number} */ time) => (time - range.from) / (range.to - range.from) * width;
  const drawn = new Map();
  for (const {row, y, height, index} of rows) {
    if (!row) continue;
    const left = Math.max(-2, xOf(row.from));
    const right = Math.min(width + 2, xOf(row.to));
    const parent = drawn.get(row.parent);
    context.globalAlpha = chosen === -1 || chosen === index ? 1 : 0.45;
    if (parent !== undefined && row.from >= range.from && row.from <= range.to) {
      context.fillStyle = colours.dim;
      context.fillRect(left, parent, 1, y - parent + height / 2);
    }
    drawn.set(index, y + height - 2);
    if (right < 0 || left > width) continue;
    context.fillStyle = colours.line;
    context.fillRect(left, y + 1, Math.max(2, right - left), height - 3);
    const {icon, mood, text} = exitMood(recording.processes[index].exit);
    const shown = `${recording.processName(index)}  ${icon} ${text}`;
    context.font = colours.font;
    const needed = context.measureText(shown).width + 8;
    const inside = Math.min(right, width) - Math.max(left, 0) > needed;
    const beside = right + needed < width ? right + 5 : left - 5;
    label(context, shown, inside ? Math.max(left, 0) + 5 : beside, y + height / 2 - 0.5, inside || beside > left ? 'left' : 'right',
        mood === 'bad' ? colours.bad : colours.text, inside ? colours.line : colours.panel, colours);
  }
  context.globalAlpha = 1;
}

// Ticks, and above them which part of the recording is shown.
/** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height @param {TimeRange} range @param {number} duration @param {TimelineColours} colours */
export function paintAxis(context, width, height, range, duration, colours) {
  context.fillStyle = colours.line;
  context.fillRect(0, 0, width, 3);
  context.fillStyle = colours.accent;
  const left = range.from / duration * width;
  context.fillRect(left, 0, Math.max(3, (range.to - range.from) / duration * width), 3);
  const {step, times} = timeTicks(range, width);
  context.font = colours.font;
  context.textBaseline = 'alphabetic';
  for (const time of times) {
    const x = (time - range.from) / (range.to - range.from) * width;
    context.fillStyle = colours.line;
    context.fillRect(Math.round(x), height - 6, 1, 6);
    context.fillStyle = colours.dim;
    const text = tickText(time, step, range.to);
    const half = context.measureText(text).width / 2;
    context.textAlign = 'left';
    context.fillText(text, Math.max(2, Math.min(x - half, width - 2 * half - 2)), height - 8);
  }
}
