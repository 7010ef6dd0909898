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
    this.count = 0;      // of blocks that the value is about
    this.recursion = 1;  // so many calls of itself are folded into it
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
  const selfCount = new Float64Array(nodes.count);
  forEachEntry(filter, (node, value, bin, count) => {
    self[node] += value;
    selfCount[node] += count;
  });
  forEachEntry({...filter, from: 0, to: data.bins}, (node, value, bin) => { bins[bin] += value; });
  const total = Float64Array.from(self);
  const totalCount = Float64Array.from(selfCount);
  for (let i = nodes.count - 1; i > 0; i--) {
    total[nodes.parent[i]] += total[i];
    totalCount[nodes.parent[i]] += totalCount[i];
  }

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
  return {self, total, selfCount, totalCount, children, bins, functionSelf, functionTotal};
}

// With folding, direct recursion is one frame: it stands for several nodes, of which the calls of itself show nothing.
function topDownTree(values, fold) {
  const frameOf = (parts, parent) => {
    const [first] = parts;
    const fn = nodes.fn[first];
    const frame = new Frame(parent, fn, nodes.inlined[first], parts.reduce((sum, node) => sum + values.total[node], 0));
    frame.leftOut = nodes.leftOut.get(first) || 0;
    frame.count = parts.reduce((sum, node) => sum + values.totalCount[node], 0);
    const calls = new Map();  // what the frame's children stand for
    let level = parts;
    for (frame.recursion = 0; level.length > 0; frame.recursion++) {
      const next = [];
      for (const node of level) {
        frame.self += values.self[node];
        for (const child of values.children[node]) {
          const code = nodes.fn[child] * 2 + nodes.inlined[child];
          if (fold && fn >= 0 && nodes.fn[child] === fn) next.push(child);
          else if (calls.has(code)) calls.get(code).push(child);
          else calls.set(code, [child]);
        }
      }
      level = next;
    }
    frame.makeChildren = () => [...calls.values()].map((called) => frameOf(called, frame));
    return frame;
  };
  return frameOf([0], null);
}

// How many frames deep the deepest stack is, and how many of them are calls of a function by itself.
function measureDepth() {
  const depth = new Int32Array(nodes.count);
  const recursion = new Int32Array(nodes.count);
  let deepest = 0;
  for (let i = 1; i < nodes.count; i++) {
    const parent = nodes.parent[i];
    depth[i] = depth[parent] + 1;
    recursion[i] = recursion[parent] + (nodes.fn[i] >= 0 && nodes.fn[i] === nodes.fn[parent] ? 1 : 0);
    if (depth[i] > depth[deepest]) deepest = i;
  }
  return {frames: depth[deepest], recursive: recursion[deepest]};
}

// The root's children are the functions that time was spent in; below a frame are its callers.
function bottomUpTree(values, fold) {
  const root = new Frame(null, -1, 0, values.total[0]);
  root.count = values.totalCount[0];
  const group = (parent, parts) => {
    const frames = new Map();
    for (const [node, value, count] of parts) {
      if (node === 0) continue;
      const key = nodes.fn[node] * 2 + nodes.inlined[node];
      let frame = frames.get(key);
      if (!frame) {
        frame = new Frame(parent, nodes.fn[node], nodes.inlined[node], 0);
        frame.parts = [];
        frames.set(key, frame);
      }
      frame.value += value;
      frame.count += count;
      frame.leftOut += nodes.leftOut.get(node) || 0;
      let caller = nodes.parent[node];
      while (fold && caller !== 0 && nodes.fn[caller] === nodes.fn[node]) caller = nodes.parent[caller];
      frame.parts.push([caller, value, count]);
    }
    for (const frame of frames.values()) {
      frame.self = parent === root ? frame.value : 0;
      frame.makeChildren = () => group(frame, frame.parts);
    }
    return [...frames.values()];
  };
  root.makeChildren = () => {
    const parts = [];
    for (let i = 1; i < nodes.count; i++) if (values.self[i] > 0) parts.push([i, values.self[i], values.selfCount[i]]);
    return group(root, parts);
  };
  return root;
}
