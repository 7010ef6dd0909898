// SPDX-License-Identifier: Apache-2.0
// Modules of two recordings that are the same program or library under two names: server-1.4 and server-1.5,
// libz.so.1.2.13 and libz.so.1.3. Without this all their functions would be vanished or new.

// A library's name without its version.
/** @param {string} module */
const stemOf = (module) => module.replace(/(\.so)[.\d]*$/, '$1').replace(/-\d[\w.]*(?=\.so$)/, '');

/** @param {Set<string>} base modules of the first recording @param {Set<string>} other of the second @param {[string, string]} executables what each
 * recorded first @returns {Map<string, string>} the first recording's names of modules that only the second one has */
export function pairModules(base, other, executables) {
  const pairs = /** @type {Map<string, string>} */ (new Map());
  const [vanished, fresh] = [[...base].filter((each) => !other.has(each)), [...other].filter((each) => !base.has(each))];
  if (vanished.includes(executables[0]) && fresh.includes(executables[1])) pairs.set(executables[1], executables[0]);
  for (const module of fresh) {
    if (pairs.has(module) || !module.includes('.so')) continue;
    const same = (/** @type {string[]} */ modules) => modules.filter((each) => stemOf(each) === stemOf(module));
    if (same(fresh).length === 1 && same(vanished).length === 1) pairs.set(module, same(vanished)[0]);
  }
  return pairs;
}
