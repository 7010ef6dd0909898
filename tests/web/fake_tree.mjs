// SPDX-License-Identifier: Apache-2.0
// Trees written down as nested arrays, [function, self, ...children], that behave as the view's own.

export class FakeTree {
  constructor(nested, {inTime = false} = {}) {
    this.nodes = [];
    this.visited = 0;  // calls of children()
    const add = ([func, self, ...children], parent) => {
      const node = this.nodes.push({func, self, parent, total: self, children: []}) - 1;
      for (const child of children) {
        const at = add(child, node);
        this.nodes[node].children.push(at);
        this.nodes[node].total += this.nodes[at].total;
      }
      if (!inTime) this.nodes[node].children.sort((a, b) => this.nodes[b].total - this.nodes[a].total);
      return node;
    };
    add(nested, -1);
  }
  get size() { return this.nodes.length; }
  func(n) { return this.nodes[n].func; }
  self(n) { return this.nodes[n].self; }
  total(n) { return this.nodes[n].total; }
  count(n) { return this.nodes[n].total; }
  parent(n) { return this.nodes[n].parent; }
  children(n) {
    this.visited++;
    return this.nodes[n].children;
  }
  pathOf(n) {
    const path = [];
    for (; n !== 0; n = this.parent(n)) path.unshift(this.func(n));
    return path;
  }
}
