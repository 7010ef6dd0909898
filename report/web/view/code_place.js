// SPDX-License-Identifier: Apache-2.0
// Whose code a call path is: the innermost frame that is no allocator, no standard container and no runtime's. The
// rules are those of model/stack_place.cc, without source files; what lies further in is done for that place.

/** @typedef {import('./functions.js').Functions} Functions */

const kLibraryNamespaces = ['std::', '__gnu_cxx::', 'operator new', 'boost::container::', 'boost::unordered::',
  'absl::container_internal::', 'alloc::', 'core::', '__rust_'];
const kLibraryModules = ['libstdc++.so', 'libc++.so', 'libc.so', 'libc-2.', 'libglib-2.0.so', 'libm.so', 'libpthread.so',
  'libgcc_s.so', 'ld-linux', 'ld-musl-', 'libjemalloc', 'libtcmalloc', 'libmimalloc'];

// "std::vector<int>::push_back" of "void std::vector<int>::push_back(int const&)@@V": without return type, parameters
// and version.
/** @param {string} name */
export function qualifiedName(name) {
  let depth = 0;
  let start = 0;
  for (let i = 0; i < name.length; i++) {
    const character = name[i];
    const isOperator = name.startsWith('operator', i - 8) && i >= 8;  // whose name the character belongs to
    if (character === '<' && !isOperator) depth++;
    else if (character === '>' && depth > 0) depth--;
    else if (depth > 0) continue;
    else if (character === '@') return name.slice(start, i);
    else if (character === ' ' && !isOperator) start = i + 1;
    else if (character === '(') {
      if (name.startsWith('(anonymous namespace)', i)) i += '(anonymous namespace)'.length - 1;
      else if (isOperator) i++;
      else return name.slice(start, i);
    } else if (isOperator) {  // "operator new[](unsigned long)", "operator<<", "operator bool() const"
      const end = name.indexOf('(', i);
      return name.slice(start, end < 0 ? name.length : end);
    }
  }
  return name.slice(start);
}

/** @param {string} name @param {string} module */
export function isLibraryCode(name, module) {
  const plain = qualifiedName(name);
  return kLibraryNamespaces.some((each) => plain.startsWith(each)) || kLibraryModules.some((each) => module.startsWith(each));
}

// Which functions are nobody's place; names are long, so each is looked at once, when it is asked for.
export class LibraryCode {
  /** @param {Functions} functions */
  constructor(functions) {
    this.functions = functions;
    this.known = new Int8Array(functions.count).fill(-1);
  }

  /** @param {number} f */
  has(f) {
    if (this.known[f] < 0) {
      const {functions} = this;
      const kind = functions.kind(f);
      this.known[f] = kind === 'kernel' || kind === 'marker' || functions.isAllocator(f) ||
          isLibraryCode(functions.name(f), functions.module(f)) ? 1 : 0;
    }
    return this.known[f] === 1;
  }

  // The index in a stack, root first, of its place; that of its leaf where all of it is library code, -1 of no stack.
  /** @param {ArrayLike<number>} stack */
  placeIn(stack) {
    for (let i = stack.length - 1; i >= 0 && this.functions.kind(stack[i]) !== 'process'; i--) {
      if (!this.has(stack[i])) return i;
    }
    return stack.length - 1;
  }
}
