// SPDX-License-Identifier: Apache-2.0
// The menu of frames in views that are no table of them: on what was marked as the place of a frame, by the secondary
// button of the pointer, and by the menu key or `m` from anything inside.

import {openFrameMenu} from './frame_menu.js';

/** @typedef {import('./frame_menu.js').MenuFrame} MenuFrame */

export class PlaceMenus {
  /** @param {import('./page.js').Context} context */
  constructor(context) {
    this.context = context;
    /** @type {WeakMap<Element, MenuFrame>} */
    this.frames = new WeakMap();
    this.key = {key: 'm', text: 'menu of a function', action: () => this.openAt(document.activeElement)};
  }

  /** @template {Element} T @param {T} element @param {MenuFrame} frame @returns {T} */
  mark(element, frame) {
    if (frame.func >= 0) this.frames.set(element, frame);
    return element;
  }

  /** @param {HTMLElement} root of the view */
  listen(root) {
    root.addEventListener('contextmenu', (event) => {
      const found = this.find(/** @type {Element|null} */ (event.target));
      if (!found) return;
      event.preventDefault();
      // The keyboard's menu key gives no place.
      if (event.clientX === 0 && event.clientY === 0) this.openAt(found.element);
      else openFrameMenu(this.context, found.frame, event.clientX, event.clientY);
    });
  }

  /** @param {Element|null} from @returns {{element: Element, frame: MenuFrame}|null} */
  find(from) {
    for (let element = from; element; element = element.parentElement) {
      const frame = this.frames.get(element);
      if (frame) return {element, frame};
    }
    return null;
  }

  /** @param {Element|null} element @returns {boolean} */
  openAt(element) {
    const found = this.find(element);
    if (!found || !element) return false;
    const box = element.getBoundingClientRect();
    openFrameMenu(this.context, found.frame, box.left, box.bottom);
    return true;
  }
}
