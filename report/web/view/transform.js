// SPDX-License-Identifier: Apache-2.0
// Transforms of call paths: what a person does to see what matters. Each makes new paths of old ones, and none changes
// what it is given.
import {Paths} from './paths.js';

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {import('./tree.js').PathValues} PathValues */
/**
 * @typedef {object} Transform
 * @property {'focus-function'|'focus-subtree'|'merge-function'|'drop-function'|'drop-subtree'|'collapse-recursion'|'collapse-direct-recursion'|'collapse-library'} type
 * @property {number} [func] of those of a function, and of a library (Functions' entry for it)
 * @property {number[]} [path] of those of a subtree: functions, root first
 */

export const kTransformTypes = ['focus-function', 'focus-subtree', 'merge-function', 'drop-function', 'drop-subtree',
  'collapse-recursion', 'collapse-direct-recursion', 'collapse-library'];

/** @param {Transform} transform @param {Functions} functions @returns {string} for its breadcrumb */
export function transformText({type, func = -1, path = []}, functions) {
  const name = (/** @type {number|undefined} */ f) => f !== undefined && f >= 0 && f < functions.count ? functions.name(f) : '?';
  switch (type) {
    case 'focus-function': return `only ${name(func)}`;
    case 'focus-subtree': return `only this ${name(path[path.length - 1])}`;
    case 'merge-function': return `${name(func)} merged into callers`;
    case 'drop-function': return `without ${name(func)}`;
    case 'drop-subtree': return `without this ${name(path[path.length - 1])}`;
    case 'collapse-recursion': return `recursion of ${name(func)} collapsed`;
    case 'collapse-direct-recursion': return 'direct recursion collapsed';
    default: return `${name(func)} collapsed`;
  }
}

/** @param {PathValues[]} values of recordings, over the same paths @param {Transform[]} transforms @param {Functions} functions */
export function applyTransforms(values, transforms, functions) {
  return transforms.reduce((each, transform) => applyTransform(each, transform, functions), values);
}

/** @param {PathValues[]} values @param {Transform} transform @param {Functions} functions @returns {PathValues[]} */
function applyTransform(values, transform, functions) {
  const {to, paths} = mapPaths(values[0].paths, transform, functions);
  return values.map(({value, count}) => {
    const moved = {paths, value: new Float64Array(paths.count), count: new Float64Array(paths.count)};
    addMoved(value, to, moved.value);
    addMoved(count, to, moved.count);
    return moved;
  });
}

/** @param {Float64Array} values @param {Int32Array} to @param {Float64Array} moved */
function addMoved(values, to, moved) {
  for (let path = 0; path < to.length; path++) if (to[path] >= 0) moved[to[path]] += values[path];
}

/** @param {Paths} paths @param {Transform[]} transforms @param {Functions} functions @returns {{to: Int32Array, paths: Paths}} */
export function mapThrough(paths, transforms, functions) {
  let to = new Int32Array(paths.count).map((_, path) => path);
  for (const transform of transforms) {
    const step = mapPaths(paths, transform, functions);
    to = to.map((path) => (path < 0 ? -1 : step.to[path]));
    paths = step.paths;
  }
  return {to, paths};
}

/**
 * Of each path, where it goes; -1: nowhere.
 * @param {Paths} old @param {Transform} transform @param {Functions} functions
 */
function mapPaths(old, transform, functions) {
  const paths = new Paths(old.count);
  const to = new Int32Array(old.count);
  const rule = ruleOf(old, transform, functions);
  for (let path = 1; path < old.count; path++) {
    to[path] = rule(path, old.parent[path], to, paths);
  }
  return {to, paths};
}

/** @typedef {(path: number, parent: number, to: Int32Array, paths: Paths) => number} Rule */

/** @param {Paths} old @param {Transform} transform @param {Functions} functions @returns {Rule} */
function ruleOf(old, {type, func = -1, path: wanted = []}, functions) {
  const copy = (/** @type {number} */ path, /** @type {number} */ under, /** @type {Paths} */ paths) =>
    paths.child(under, old.func[path], old.kind[path]);
  // Where no two paths become one, none needs to be looked for.
  const keepDistinct = (/** @type {number} */ path, /** @type {number} */ parent, /** @type {Int32Array} */ to, /** @type {Paths} */ paths) =>
    to[parent] < 0 ? -1 : paths.append(to[parent], old.func[path], old.kind[path]);
  const keep = (/** @type {number} */ path, /** @type {number} */ parent, /** @type {Int32Array} */ to, /** @type {Paths} */ paths) =>
    to[parent] < 0 ? -1 : copy(path, to[parent], paths);
  switch (type) {
    case 'focus-function':
    case 'focus-subtree': {
      const top = type === 'focus-subtree' ? findOld(old, wanted) : -1;
      const inside = new Uint8Array(old.count);
      return (path, parent, to, paths) => {
        inside[path] = inside[parent] | Number(top >= 0 ? path === top : type === 'focus-function' && old.func[path] === func);
        return !inside[path] ? -1 : copy(path, inside[parent] ? to[parent] : 0, paths);
      };
    }
    case 'merge-function':
      return (path, parent, to, paths) => (old.func[path] === func ? to[parent] : keep(path, parent, to, paths));
    case 'drop-function':
      return (path, parent, to, paths) => (old.func[path] === func ? -1 : keepDistinct(path, parent, to, paths));
    case 'drop-subtree': {
      const top = findOld(old, wanted);
      return (path, parent, to, paths) => (path === top ? -1 : keepDistinct(path, parent, to, paths));
    }
    case 'collapse-recursion': {
      const outermost = new Int32Array(old.count);  // the function's outermost frame around a path, in the new paths
      return (path, parent, to, paths) => {
        if (old.func[path] === func && outermost[parent] !== 0) {
          outermost[path] = outermost[parent];
          return outermost[path];
        }
        const made = keep(path, parent, to, paths);
        outermost[path] = old.func[path] === func ? made : outermost[parent];
        return made;
      };
    }
    case 'collapse-direct-recursion':
      return (path, parent, to, paths) =>
        (parent !== 0 && old.func[path] === old.func[parent] ? to[parent] : keep(path, parent, to, paths));
    case 'collapse-library': {
      const module = func >= 0 && func < functions.count ? functions.module(func) : '';
      const isOf = (/** @type {number} */ path) => path !== 0 && functions.module(old.func[path]) === module;
      return (path, parent, to, paths) => {
        if (!isOf(path) || module === '') return keep(path, parent, to, paths);
        if (to[parent] < 0) return -1;
        return isOf(parent) ? to[parent] : paths.child(to[parent], func, 0);
      };
    }
    default:
      return keep;
  }
}

/** @param {Paths} paths @param {number[]} wanted @returns {number} -1: there is no such path */
function findOld(paths, wanted) {
  let found = wanted.length > 0 ? 0 : -1;
  for (const func of wanted) {
    let next = -1;
    for (let path = found + 1; path < paths.count && next < 0; path++) {
      if (paths.parent[path] === found && paths.func[path] === func) next = path;
    }
    if (next < 0) return -1;
    found = next;
  }
  return found;
}
