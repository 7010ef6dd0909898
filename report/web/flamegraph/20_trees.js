// SPDX-License-Identifier: Apache-2.0
// The trees that are drawn, made of Frames. A frame's children are made when they are asked for: the bottom-up tree is
// far larger than what anybody looks at.

class Frame {
  constructor(parent, fn, inlined, value) {
    this.parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
    this.fn = fn;
    this.inlined = inlined;
    this.value = value;  // with all children
    this.self = 0;       // without
    this.leftOut = 0;    // of a frame that stands for narrower ones: how many
    this.made = null;
    this.makeChildren = () => [];
  }
  get children() {
    if (!this.made) {
      this.made = this.makeChildren();
      this.made.sort((a, b) => (a.leftOut > 0) - (b.leftOut > 0) || b.value - a.value);
    }
    return this.made;
  }
  get name() {
    if (!this.parent) return 'all';
    if (this.fn >= 0) return functions[this.fn].name;
    return `${this.leftOut.toLocaleString('en')} narrower frame${this.leftOut === 1 ? '' : 's'}`;
  }
  // Names from the root to here: the same frame in another tree of the same form has the same.
  get path() {
    const path = [];
    for (let frame = this; frame.parent; frame = frame.parent) path.unshift(frame.fn * 2 + frame.inlined);
    return path;
  }
  find(path) {
    let frame = this;
    for (const code of path) {
      const next = frame.children.find((child) => child.fn * 2 + child.inlined === code);
      if (!next) break;
      frame = next;
    }
    return frame;
  }
}

// Values under a filter: of nodes, of functions (a recursive one once per stack), of time bins.
function measure(filter) {
  const self = new Float64Array(nodes.count);
  const bins = new Float64Array(data.bins);
  forEachEntry(filter, (node, value) => { self[node] += value; });
  forEachEntry({...filter, from: 0, to: data.bins}, (node, value, bin) => { bins[bin] += value; });
  const total = Float64Array.from(self);
  for (let i = nodes.count - 1; i > 0; i--) total[nodes.parent[i]] += total[i];

  const functionSelf = new Float64Array(functions.length);
  const functionTotal = new Float64Array(functions.length);
  const functionDepth = new Int32Array(functions.length);
  const children = Array.from({length: nodes.count}, () => []);
  for (let i = 1; i < nodes.count; i++) if (total[i] > 0) children[nodes.parent[i]].push(i);
  const walk = [...children[0]];
  while (walk.length > 0) {
    const next = walk.pop();
    const leave = next < 0;
    const fn = nodes.fn[leave ? ~next : next];
    if (leave) {
      functionDepth[fn]--;
      continue;
    }
    if (fn >= 0) {
      functionSelf[fn] += self[next];
      if (functionDepth[fn]++ === 0) functionTotal[fn] += total[next];
      walk.push(~next);
    }
    walk.push(...children[next]);
  }
  return {self, total, children, bins, functionSelf, functionTotal};
}

function topDownTree(values) {
  const frameOf = (node, parent) => {
    const frame = new Frame(parent, nodes.fn[node], nodes.inlined[node], values.total[node]);
    frame.self = values.self[node];
    frame.leftOut = nodes.leftOut.get(node) || 0;
    frame.makeChildren = () => values.children[node].map((child) => frameOf(child, frame));
    return frame;
  };
  return frameOf(0, null);
}

// The root's children are the functions that time was spent in; below a frame are its callers.
function bottomUpTree(values) {
  const root = new Frame(null, -1, 0, values.total[0]);
  const group = (parent, parts) => {
    const frames = new Map();
    for (const [node, value] of parts) {
      if (node === 0) continue;
      const key = nodes.fn[node] * 2 + nodes.inlined[node];
      let frame = frames.get(key);
      if (!frame) {
        frame = new Frame(parent, nodes.fn[node], nodes.inlined[node], 0);
        frame.parts = [];
        frames.set(key, frame);
      }
      frame.value += value;
      frame.leftOut += nodes.leftOut.get(node) || 0;
      frame.parts.push([nodes.parent[node], value]);
    }
    for (const frame of frames.values()) {
      frame.self = parent === root ? frame.value : 0;
      frame.makeChildren = () => group(frame, frame.parts);
    }
    return [...frames.values()];
  };
  root.makeChildren = () => {
    const parts = [];
    for (let i = 1; i < nodes.count; i++) if (values.self[i] > 0) parts.push([i, values.self[i]]);
    return group(root, parts);
  };
  return root;
}
