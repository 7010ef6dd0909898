// SPDX-License-Identifier: Apache-2.0
// The data embedded in the page, unpacked. report/flamegraph_data.h says how it is packed.

const data = JSON.parse(document.getElementById('data').textContent);

// Frame 0 is the root. `fn` is an index of `functions`, -1 for the root and for what was left out.
const nodes = (() => {
  const count = data.nodes.length / 2 + 1;
  const parent = new Int32Array(count);
  const fn = new Int32Array(count).fill(-1);
  const inlined = new Uint8Array(count);
  const leftOut = new Map();
  for (let i = 1; i < count; i++) {
    parent[i] = i - data.nodes[2 * i - 2];
    const code = data.nodes[2 * i - 1];
    if (code !== 0) {
      fn[i] = (code >> 1) - 1;
      inlined[i] = code & 1;
    }
  }
  for (let i = 0; i < data.leftOut.length; i += 2) leftOut.set(data.leftOut[i], data.leftOut[i + 1]);
  return {count, parent, fn, inlined, leftOut};
})();

const functions = [];
for (let i = 0; i < data.functions.length; i += 6) {
  const [name, module, file, line, kind, colour] = data.functions.slice(i, i + 6);
  const text = data.strings;
  functions.push({name: text[name], module: text[module], file: text[file], line, kind: text[kind], colour: text[colour]});
}

// Calls visit(node, value, bin, count) for each part of a node's self value that the filter lets through.
function forEachEntry(filter, visit) {
  const list = data.entries;
  for (let at = 0; at < list.length;) {
    const thread = list[at];
    const bin = list[at + 1];
    const width = data.entryWidth;
    const end = at + 3 + width * list[at + 2];
    at += 3;
    const wanted = (filter.thread < 0 || filter.thread === thread) &&
        (filter.process < 0 || data.threads[thread][0] === filter.process) && bin >= filter.from && bin < filter.to;
    let node = 0;
    for (; at < end; at += width) {
      node += list[at];
      if (wanted) visit(node, list[at + 1], bin, width > 2 ? list[at + 2] : 0);
    }
  }
}

// Of a value, in the unit of the metric.
function formatValue(value) {
  const number = value * data.scale;
  return data.unit === 'ns' ? formatTime(number) : data.unit === 'bytes' ? formatBytes(number) : Math.round(number).toLocaleString('en');
}

function formatBytes(bytes) {
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  if (bytes < 1000) return Math.round(bytes) + ' B';
  let index = 0;
  for (bytes /= 1024; bytes >= 999.5 && index + 1 < units.length; index++) bytes /= 1024;
  return bytes.toPrecision(bytes >= 999.5 ? String(Math.round(bytes)).length : 3) + ' ' + units[index];
}

function formatTime(ns) {
  const digits = (number) => number.toPrecision(number >= 999.5 ? String(Math.round(number)).length : 3);
  if (ns < 1e3) return Math.round(ns) + ' ns';
  if (ns < 999.5e3) return digits(ns / 1e3) + ' µs';
  if (ns < 999.5e6) return digits(ns / 1e6) + ' ms';
  if (ns < 120e9) return digits(ns / 1e9) + ' s';
  return Math.floor(ns / 60e9) + ' min ' + Math.round(ns % 60e9 / 1e9) + ' s';
}

function formatPercent(part, whole) {
  if (whole === 0) return '-';
  const percent = 100 * part / whole;
  return (part > 0 && percent < 0.005 ? '<0.01' : percent.toFixed(percent < 10 ? 2 : 1)) + '%';
}
