// SPDX-License-Identifier: Apache-2.0
// Finding a row by typing its name. Letters alone are keys of the page, so an apostrophe begins it, as in other
// programs that have keys of one letter; another one goes to the next row. Escape, Enter or a pause of some seconds end it.
import {el} from './dom.js';

const kPauseMs = 4000;

export class TypeAhead {
  // `go` goes to the row with a text, from the active one or the one behind it on, and says whether there is one.
  /** @param {(text: string, next: boolean) => boolean} go */
  constructor(go) {
    this.go = go;
    this.typed = '';
    this.on = false;
    this.timer = 0;
    this.element = el('div', {class: 'type-ahead', role: 'status', hidden: true});
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether it was part of a name */
  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (!this.on && event.key !== "'") return false;
    if (!this.on) {
      this.on = true;
      this.typed = '';
      this.show(true);
    } else if (event.key === "'") {
      this.show(this.go(this.typed, true));
    } else if (event.key.length === 1) {
      this.typed += event.key;
      this.show(this.go(this.typed, false));
    } else if (event.key === 'Backspace') {
      this.typed = this.typed.slice(0, -1);
      this.show(this.typed === '' || this.go(this.typed, false));
    } else if (event.key === 'Escape' || event.key === 'Enter') {
      this.end();
    } else if (event.key !== 'Shift') {
      this.end();
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  /** @param {boolean} found */
  show(found) {
    this.element.hidden = false;
    this.element.classList.toggle('bad', !found);
    this.element.textContent = this.typed === '' ? 'type a name; \' goes to the next one' : this.typed + (found ? '' : ': no row of that name');
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.end(), kPauseMs);
  }

  end() {
    this.on = false;
    this.element.hidden = true;
    clearTimeout(this.timer);
  }
}
