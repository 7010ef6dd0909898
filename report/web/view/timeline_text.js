// SPDX-License-Identifier: Apache-2.0
// What the timeline says in words: under the pointer, and at the keyboard's cursor.

import {el} from './dom.js';
import {bytesText, percentText, timeText} from './format.js';
import {kInKernel, kRunning, kThreadStates} from './thread_states.js';

/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {import('./timeline_layout.js').TimelineRow} TimelineRow */
/** @typedef {{title: string, values: Array<[string, string]>}} RowDescription */
/**
 * What is shown of the visible range.
 * @typedef {object} TimelineData
 * @property {{from: number, to: number}} range
 * @property {import('./timeline_cells.js').LaneBins} bins
 * @property {number} chosenLane of the thread that is looked at; -1: all
 * @property {Map<number, Float64Array>} regions threads by region and bin
 * @property {import('./timeline_paint.js').MemoryBins} heap
 * @property {import('./timeline_paint.js').MemoryBins} resident
 */

/** @param {Recording} recording @param {TimelineData} data @param {TimelineRow} row @param {number} time @returns {RowDescription} */
export function describeRow(recording, data, row, time) {
  const {range, bins} = data;
  const part = (time - range.from) / (range.to - range.from);
  const bin = Math.max(0, Math.min(bins.bins - 1, Math.floor(part * bins.bins)));
  switch (row.kind) {
    case 'cpu': {
      const lane = data.chosenLane;
      const cpus = lane >= 0 ? bins.cpu(lane, bin) : bins.allCpu(bin);
      return {title: 'processors in use', values: [['CPUs', cpus.toFixed(2)]]};
    }
    case 'memory': return {title: 'memory', values: memoryValues(data, part)};
    case 'thread': return {title: recording.threadName(row.index), values: stateValues(bins, row.lane, bin)};
    case 'more-threads': return {title: moreText(row, 'thread'), values: [['CPUs', (bins.part(row.lane, kRunning, bin) + bins.part(row.lane, kInKernel, bin)).toFixed(2)]]};
    case 'process': {
      const {exit, cpu, start, end, arguments: words, reason} = recording.processes[row.index];
      return {title: recording.processName(row.index), values: [
        ['command', words.join(' ').slice(0, 200)], ['ran', `${timeText(start)} to ${timeText(end)}`], ['CPU time', timeText(cpu)], ['ended', exit],
        .../** @type {Array<[string, string]>} */ (reason ? [['not recorded', reason]] : []),
      ]};
    }
    case 'region': {
      const region = recording.regions[row.index];
      const open = data.regions.get(row.index);
      return {title: region.path, values: [['threads in it', (open ? open[bin] : 0).toFixed(2)], ...regionValues(region)]};
    }
    case 'more-regions': return {title: moreText(row, 'region'), values: []};
    default: return {title: moreText(row, 'process'), values: []};
  }
}

// Of the whole recording.
/** @param {import('./recording.js').Region} region @returns {Array<[string, string]>} */
function regionValues(region) {
  /** @type {Array<[string, string]>} */
  const values = [['calls', region.calls.toLocaleString('en')], ['open for', timeText(region.wall_ns)]];
  if (region.cpu_ns > 0) values.push(['CPU time', timeText(region.cpu_ns)]);
  if (region.allocations > 0) values.push(['allocated', bytesText(region.allocated_bytes)], ['most of a call', bytesText(region.peak_bytes)]);
  return values;
}

/** @param {TimelineRow} row @param {'thread'|'process'|'region'} what */
export function moreText({count}, what) {
  if (count === 0) return 'show fewer';
  return `${count.toLocaleString('en')} more ${what}${count === 1 ? '' : what === 'process' ? 'es' : 's'}`;
}

/** @param {import('./timeline_cells.js').LaneBins} bins @param {number} lane @param {number} bin @returns {Array<[string, string]>} */
function stateValues(bins, lane, bin) {
  const parts = kThreadStates.map(({title}, state) => ({title, part: bins.part(lane, state, bin)})).filter(({part}) => part >= 0.005);
  if (parts.length === 0) return [['nothing', 'seen']];
  return parts.map(({title, part}) => [title, percentText(Math.min(part, 1))]);
}

/** @param {TimelineData} data @param {number} part @returns {Array<[string, string]>} */
function memoryValues({heap, resident}, part) {
  /** @type {Array<[string, string]>} */
  const values = [];
  const at = (/** @type {Float64Array} */ most) => most[Math.max(0, Math.min(most.length - 1, Math.floor(part * most.length)))];
  if (heap.peak.bytes > 0) values.push(['heap live', bytesText(at(heap.most))]);
  if (resident.peak.bytes > 0) values.push(['resident', bytesText(at(resident.most))]);
  return values;
}

/** @param {number} time @param {RowDescription|null} description @returns {Node[]} */
export function timelineTooltip(time, description) {
  const nodes = [el('b', {}, timeText(time))];
  if (!description) return nodes;
  nodes.push(el('span', {class: 'dim'}, `  ${description.title}`));
  if (description.values.length > 0) {
    nodes.push(el('table', {}, ...description.values.map(([name, value]) => el('tr', {}, el('td', {}, name), el('td', {}, value)))));
  }
  return nodes;
}

/** @param {number} time @param {RowDescription[]} descriptions */
export function cursorText(time, descriptions) {
  return [timeText(time), ...descriptions.map(({title, values}) => `${title}: ${values.map(([name, value]) => `${name} ${value}`).join(', ')}`)].join('; ');
}
