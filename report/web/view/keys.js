// SPDX-License-Identifier: Apache-2.0
// Keys and what they do. The sheet that `?` shows is made of the same list.

/** @typedef {{key: string, text: string, action: (event: KeyboardEvent) => unknown, group: string}} Binding action: false lets the key through */

export class Keys {
  constructor() {
    /** @type {Binding[]} */
    this.global = [];
    /** @type {Binding[]} */
    this.ofView = [];
  }
  /** @param {string} key KeyboardEvent.key, with "Control+" before it where it is meant @param {string} text @param {Binding['action']} action @param {string} [group] */
  bind(key, text, action, group = 'Page') {
    if (this.global.some((each) => each.key === key)) throw new Error(`key ${key} has two meanings`);
    this.global.push({key, text, action, group});
  }
  /** @param {{key: string, text: string, action: Binding['action']}[]} keys of the view that is shown @param {string} group */
  setView(keys, group) {
    this.ofView = keys.map((each) => ({...each, group}));
  }
  /** @param {KeyboardEvent} event @returns {boolean} it was one of them */
  handle(event) {
    if (event.defaultPrevented || event.altKey || event.metaKey) return false;
    const name = (event.ctrlKey ? 'Control+' : '') + event.key;
    if (isTyping(event.target) && event.key !== 'Escape') return false;
    // Keys of the view that is shown go before the page's.
    const binding = this.ofView.find((each) => each.key === name) || this.global.find((each) => each.key === name);
    if (!binding || binding.action(event) === false) return false;
    event.preventDefault();
    return true;
  }
  /** @returns {Map<string, {keys: string[], text: string}[]>} by group; keys that do the same are one entry */
  sheet() {
    const groups = new Map();
    for (const {key, text, group} of [...this.global, ...this.ofView]) {
      const entries = groups.get(group) || [];
      groups.set(group, entries);
      const known = entries.find((/** @type {{text: string}} */ each) => each.text === text);
      if (known) known.keys.push(key);
      else entries.push({keys: [key], text});
    }
    return groups;
  }
}

/** @param {EventTarget|null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement ||
      (target instanceof HTMLInputElement && !['button', 'checkbox', 'radio', 'range'].includes(target.type));
}
