// SPDX-License-Identifier: Apache-2.0
// Small trees and functions for tests, written as text: a frame a line, callees two blanks further in, with their own
// value and the number of samples it is of.

export class FakeFunctions {
  constructor() {
    this.names = [];
  }
  get count() { return this.names.length; }
  // "module!name"
  index(name) {
    const at = this.names.indexOf(name);
    return at >= 0 ? at : this.names.push(name) - 1;
  }
  name(f) { return this.names[f].split('!').pop(); }
  module(f) { return this.names[f].includes('!') ? this.names[f].split('!')[0] : ''; }
  path(f) { return this.module(f); }
  file(f) { return this.name(f)[0] + '.cc'; }
  line(f) { return f + 1; }
  kind() { return 'native'; }
  isAllocator() { return false; }
}

export class FakeTree {
  constructor(functions, text) {
    this.functions = functions;
    this.funcs = [-1];
    this.parents = [-1];
    this.selfs = [0];
    this.counts = [0];
    const chain = [0];
    for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
      const [, blanks, name, self = '0', count = '0'] = line.match(/^( *)(\S+) ?(\d+)? ?(\d+)?$/);
      chain.length = blanks.length / 2 + 1;
      this.funcs.push(functions.index(name));
      this.parents.push(chain[chain.length - 1]);
      this.selfs.push(Number(self));
      this.counts.push(Number(count));
      chain.push(this.funcs.length - 1);
    }
    this.totals = [...this.selfs];
    for (let n = this.size - 1; n > 0; n--) {
      this.totals[this.parents[n]] += this.totals[n];
      this.counts[this.parents[n]] += this.counts[n];
    }
  }
  get root() { return 0; }
  get size() { return this.funcs.length; }
  func(n) { return this.funcs[n]; }
  kind() { return 'native'; }
  self(n) { return this.selfs[n]; }
  total(n) { return this.totals[n]; }
  count(n) { return this.counts[n]; }
  parent(n) { return this.parents[n]; }
  children(n) {
    const found = [];
    for (let i = 1; i < this.size; i++) if (this.parents[i] === n && this.totals[i] > 0) found.push(i);
    return found.sort((a, b) => this.totals[b] - this.totals[a]);
  }
  pathOf(n) {
    const path = [];
    for (; n > 0; n = this.parents[n]) path.unshift(this.funcs[n]);
    return path;
  }
}
