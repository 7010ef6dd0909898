// SPDX-License-Identifier: Apache-2.0
// The call paths of all recordings of the page: a function under its caller's path. Path 0 is the root, and a caller's
// path has a smaller number than those it leads to. Grows only while recordings are read.

export class Paths {
  /** @param {number} [expected] how many, about */
  constructor(expected = 1024) {
    const capacity = Math.max(expected + 1, 16);
    this.count = 1;
    this.parent = new Int32Array(capacity);
    this.func = new Int32Array(capacity);
    this.kind = new Uint8Array(capacity);  // of the frame, which may be an inlined copy: index in kKinds
    this.depth = new Uint16Array(capacity);
    this.func[0] = -1;
    this.table = new Int32Array(0);  // path, by a hash of parent and function; 0: free
    this.indexed = 0;  // paths before this one are in the table
    this.forget();
  }
  /** @param {number} parent @param {number} func @param {number} kind @returns {number} the path, made when there is none */
  child(parent, func, kind) {
    if (this.indexed < this.count || this.count * 2 > this.table.length) this.rehash();
    const mask = this.table.length - 1;
    let slot = hashOf(parent, func) & mask;
    for (let path = this.table[slot]; path !== 0; path = this.table[slot]) {
      if (this.parent[path] === parent && this.func[path] === func) return path;
      slot = (slot + 1) & mask;
    }
    const path = this.append(parent, func, kind);
    this.table[slot] = path;
    this.indexed = this.count;
    return path;
  }
  /** As child(), where there is no such path yet. @param {number} parent @param {number} func @param {number} kind @returns {number} */
  append(parent, func, kind) {
    const path = this.count++;
    if (path >= this.parent.length) this.grow();
    this.parent[path] = parent;
    this.func[path] = func;
    this.kind[path] = kind;
    this.depth[path] = Math.min(this.depth[parent] + 1, 65535);
    if (this.isKnown) this.forget();
    return path;
  }
  // What is found out about all of them.
  forget() {
    this.isKnown = false;
    /** @type {Uint8Array|null} */
    this.recursive = null;
    /** @type {ReturnType<typeof childLists>|null} */
    this.lists = null;
  }
  /** @param {number} path @returns {boolean} the function is among its callers too */
  isRecursive(path) { return this.recursion()[path] === 1; }
  /** @returns {Uint8Array} by path: 1 where it is */
  recursion() {
    this.isKnown = true;
    this.recursive ??= findRecursive(this);
    return this.recursive;
  }
  /** @returns {ReturnType<typeof childLists>} */
  children() {
    this.isKnown = true;
    this.lists ??= childLists(this.parent, this.count);
    return this.lists;
  }
  /** @param {number} path @returns {number[]} functions, root first */
  stackOf(path) {
    const stack = [];
    for (; path > 0; path = this.parent[path]) stack.push(this.func[path]);
    return stack.reverse();
  }
  grow() {
    const capacity = this.parent.length * 2;
    for (const name of /** @type {const} */ (['parent', 'func', 'kind', 'depth'])) {
      const old = this[name];
      const larger = new /** @type {any} */ (old.constructor)(capacity);
      larger.set(old);
      this[name] = larger;
    }
  }
  rehash() {
    this.table = new Int32Array(tableSize(this.parent.length));
    const mask = this.table.length - 1;
    for (let path = 1; path < this.count; path++) {
      let slot = hashOf(this.parent[path], this.func[path]) & mask;
      while (this.table[slot] !== 0) slot = (slot + 1) & mask;
      this.table[slot] = path;
    }
    this.indexed = this.count;
  }
}

/** @param {number} capacity */
function tableSize(capacity) {
  let size = 32;
  while (size < capacity * 2) size *= 2;
  return size;
}

/** @param {number} parent @param {number} func */
function hashOf(parent, func) {
  let hash = Math.imul(parent, 0x9E3779B1) ^ Math.imul(func + 1, 0x85EBCA6B);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2C1B3C6D);
  return (hash ^ (hash >>> 13)) >>> 0;
}

// By a walk in the order of a tree: a count per function of how often it is on the way from the root to here.
/** @param {Paths} paths */
function findRecursive(paths) {
  const {count, parent, func} = paths;
  const {first, next} = paths.children();
  const recursive = new Uint8Array(count);
  let functions = 0;
  for (let path = 1; path < count; path++) functions = Math.max(functions, func[path] + 1);
  const open = new Int32Array(functions);
  for (let path = first[0]; path > 0;) {
    if (open[func[path]]++ > 0) recursive[path] = 1;
    if (first[path] !== 0) {
      path = first[path];
      continue;
    }
    open[func[path]]--;
    while (path > 0 && next[path] === 0) {
      path = parent[path];
      if (path > 0) open[func[path]]--;
    }
    if (path > 0) path = next[path];
  }
  return recursive;
}

/**
 * First child and next sibling of each node of a tree whose parents have smaller numbers; 0: none.
 * @param {Int32Array} parent @param {number} count
 */
export function childLists(parent, count) {
  const first = new Int32Array(count);
  const next = new Int32Array(count);
  for (let node = count - 1; node > 0; node--) {
    next[node] = first[parent[node]];
    first[parent[node]] = node;
  }
  return {first, next};
}
