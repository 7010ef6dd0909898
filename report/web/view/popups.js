// SPDX-License-Identifier: Apache-2.0
// What lies above the page for a while: a tooltip, a menu, a dialog.
import {button, el, fill} from './dom.js';

/** @typedef {{text: string, action: () => void, key?: string, disabled?: boolean}|null} MenuItem null: a line between */

export class Tooltip {
  constructor() {
    this.element = el('div', {class: 'tooltip', 'aria-hidden': 'true', hidden: true});
  }
  /** @param {number} x of the pointer in the window @param {number} y @param {...(Node|string)} content */
  show(x, y, ...content) {
    fill(this.element, ...content);
    this.element.hidden = false;
    const {width, height} = this.element.getBoundingClientRect();
    const left = x + 14 + width > innerWidth ? Math.max(4, x - 10 - width) : x + 14;
    const top = y + 16 + height > innerHeight ? Math.max(4, y - 10 - height) : y + 16;
    this.element.style.transform = `translate(${Math.round(left)}px,${Math.round(top)}px)`;
  }
  hide() { this.element.hidden = true; }
}

/**
 * A menu at a place of the window; the focus goes into it, and back to where it was.
 * @param {number} x @param {number} y @param {string} label @param {MenuItem[]} items
 * @returns {() => void} closes it
 */
export function openMenu(x, y, label, items) {
  const before = /** @type {HTMLElement|null} */ (document.activeElement);
  const buttons = /** @type {HTMLButtonElement[]} */ ([]);
  const menu = el('div', {class: 'menu', role: 'menu', 'aria-label': label});
  const close = () => {
    if (!menu.isConnected) return;
    menu.remove();
    document.removeEventListener('pointerdown', outside, true);
    removeEventListener('blur', close);
    if (before?.isConnected) before.focus();
  };
  const outside = (/** @type {Event} */ event) => { if (!menu.contains(/** @type {Node} */ (event.target))) close(); };
  for (const item of items) {
    if (!item) {
      menu.append(el('div', {role: 'separator', class: 'separator'}));
      continue;
    }
    const made = el('button', {type: 'button', role: 'menuitem', tabindex: -1, disabled: item.disabled || false, onclick: () => {
      close();
      item.action();
    }}, el('span', {}, item.text), item.key ? el('kbd', {}, item.key) : null);
    menu.append(made);
    if (!item.disabled) buttons.push(made);
  }
  menu.addEventListener('keydown', (event) => {
    event.stopPropagation();
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = {ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1}[event.key];
    if (to !== undefined) buttons[(to + buttons.length) % buttons.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    else if (event.key.length === 1) {
      const next = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)]
          .find((each) => each.textContent?.toLowerCase().startsWith(event.key.toLowerCase()));
      next?.focus();
      if (event.key === ' ' || !next) return;
    } else return;
    event.preventDefault();
  });
  document.body.append(menu);
  const {width, height} = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(4, Math.min(x, innerWidth - width - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, innerHeight - height - 4))}px`;
  document.addEventListener('pointerdown', outside, true);
  addEventListener('blur', close);
  buttons[0]?.focus();
  return close;
}

/** @param {string} title @param {...Node} content @returns {HTMLDialogElement} shown; closed by Escape, its button, or a click beside it */
export function openDialog(title, ...content) {
  const dialog = el('dialog', {class: 'dialog', 'aria-label': title});
  dialog.append(el('div', {class: 'dialog-head'}, el('h2', {}, title), button('Close', () => dialog.close())), ...content);
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('keydown', (event) => event.stopPropagation());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
