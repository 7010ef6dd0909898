// SPDX-License-Identifier: Apache-2.0
// What can be done with a frame, the same in all views: look at less than everything, show it elsewhere, copy it.
import {copyText} from './dom.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./popups.js').MenuItem} MenuItem */
/** @typedef {import('./transform.js').Transform} Transform */
/**
 * @typedef {object} MenuFrame
 * @property {number} func -1: none, as of the root
 * @property {number[]} [path] functions, root first, up to this one; none where the view shows no stacks from the root on
 * @property {number[]} [stack] to be copied, root first; the path unless it is given
 */

const kLongestName = 48;

/** @param {Context} context @param {MenuFrame} frame @returns {MenuItem[]} */
export function frameMenuItems(context, {func, path, stack = path}) {
  const {functions, model, store} = context;
  const views = [['flame', 'Show in flame graph'], ['tree', 'Show in call tree'], ['sandwich', 'Show callers and callees'], ['source', 'Show source'],
    ['functions', 'Show in function table']];
  const change = (/** @type {string} */ text, /** @type {Transform|null} */ transform) => ({
    text, disabled: !transform, action: () => {
      if (!transform) return;
      store.addTransform(transform);
      context.announce(`${text}; u undoes it`);
    },
  });
  const show = (/** @type {string} */ text, /** @type {string} */ view) => ({text, action: () => store.set({view, func})});
  const copy = (/** @type {string} */ text, /** @type {string} */ what, /** @type {string} */ content) => ({
    text, action: () => { copyText(content).then((copied) => context.announce(copied ? `${what} copied` : 'The browser does not let this page copy')); },
  });
  // Threads are frames in order of time; no stack has them.
  const isFunction = func >= 0 && functions.kind(func) !== 'process';
  const module = isFunction ? functions.module(func) : '';
  const library = model.libraries.get(module);
  const ofFunction = (/** @type {Transform['type']} */ type) => (isFunction ? {type, func} : null);
  const ofPath = (/** @type {Transform['type']} */ type) => (isFunction && path && path.length > 0 ? {type, path} : null);
  const shows = isFunction ? views.filter(([view]) => view !== store.state.view && context.views.includes(view)) : [];
  return [
    change('Focus on function', ofFunction('focus-function')),
    change('Focus on this subtree', ofPath('focus-subtree')),
    null,
    change('Merge into callers', ofFunction('merge-function')),
    change('Drop all stacks with it', ofFunction('drop-function')),
    change('Drop this subtree', ofPath('drop-subtree')),
    change('Collapse its recursion', ofFunction('collapse-recursion')),
    change('Collapse all direct recursion', {type: 'collapse-direct-recursion'}),
    change(module ? `Collapse library ${module}` : 'Collapse library', library === undefined ? null : {type: 'collapse-library', func: library}),
    null,
    ...shows.map(([view, text]) => show(text, view)),
    ...(shows.length > 0 ? [null] : []),
    copy('Copy name', 'Name', func >= 0 ? functions.name(func) : 'all'),
    ...(stack && stack.length > 0 ? [copy('Copy stack', 'Stack', stackText(functions, stack))] : []),
  ];
}

/** The leaf first, as debuggers have it. @param {import('./functions.js').Functions} functions @param {number[]} stack root first */
export function stackText(functions, stack) {
  return [...stack].reverse().map((f) => {
    const where = [functions.module(f), functions.file(f) && functions.file(f) + (functions.line(f) ? `:${functions.line(f)}` : '')].filter(Boolean).join(', ');
    return functions.name(f) + (where ? ` (${where})` : '') + '\n';
  }).join('');
}

/** @param {Context} context @param {MenuFrame} frame @param {number} x @param {number} y of the window */
export function openFrameMenu(context, frame, x, y) {
  const name = frame.func >= 0 ? context.functions.name(frame.func) : 'all';
  const label = name.length > kLongestName ? `${name.slice(0, kLongestName - 1)}…` : name;
  context.tooltip.hide();
  context.openMenu(x, y, `What to do with ${label}`, frameMenuItems(context, frame));
}
