// SPDX-License-Identifier: Apache-2.0
// The functions of all recordings of the page. Of one name, module and kind there is one, whichever recordings have it,
// so that two recordings can be compared.

/** @typedef {'native'|'inlined'|'kernel'|'jit'|'interpreter'|'marker'|'process'} Kind */
/** @type {Kind[]} */
export const kKinds = ['native', 'inlined', 'kernel', 'jit', 'interpreter', 'marker', 'process'];

const kAllocators = new RegExp('^(?:(?:__libc_|__GI_+|_int_|je_|mi_|tc_|rte_)?(?:malloc|calloc|realloc|reallocarray|free|memalign' +
    '|posix_memalign|aligned_alloc|valloc|pvalloc|cfree)(?:_[a-z_]+)?|operator (?:new|delete)(?:\\[\\])?(?:\\(.*)?' +
    '|_Zn[wa].*|_Zd[la].*|malloc_consolidate|sysmalloc|tcache_.*|unlink_chunk.*|systrim.*|__rust_(?:alloc|dealloc|realloc).*)$');

export class Functions {
  constructor() {
    /** @type {{name: string, module: string, path: string, file: string, line: number, kind: Kind}[]} */
    this.list = [];
    /** @type {Map<string, number>} */
    this.index = new Map();
    /** @type {(boolean|undefined)[]} */
    this.allocators = [];
    this.executable = '';  // the module of the first recording's first process
  }
  get count() { return this.list.length; }
  /** @param {string} name @param {string} module @param {string} path @param {string} file @param {number} line @param {Kind} kind */
  add(name, module, path, file, line, kind) {
    const key = `${name}\0${module}\0${kind === 'inlined' ? 'native' : kind}`;
    const known = this.index.get(key);
    if (known !== undefined) {
      const function_ = this.list[known];
      if (kind === 'native') function_.kind = kind;
      if (!function_.file) Object.assign(function_, {file, line});
      return known;
    }
    this.index.set(key, this.list.length);
    this.list.push({name, module, path, file, line, kind});
    return this.list.length - 1;
  }
  /** @param {number} f */
  name(f) { return this.list[f].name; }
  /** @param {number} f */
  module(f) { return this.list[f].module; }
  /** @param {number} f */
  path(f) { return this.list[f].path; }
  /** @param {number} f */
  file(f) { return this.list[f].file; }
  /** @param {number} f */
  line(f) { return this.list[f].line; }
  /** @param {number} f */
  kind(f) { return this.list[f].kind; }
  /** @param {number} f */
  isAllocator(f) {
    return this.allocators[f] ??= kAllocators.test(this.list[f].name);
  }
}
