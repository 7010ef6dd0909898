// SPDX-License-Identifier: Apache-2.0
// Elements, made in one call. Text of recordings goes through textContent alone: names are anybody's.

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, any>} [attributes] class, aria-..., on... (a function), or a property such as
 * `textContent`; null and false are left out @param {...(Node|string|null)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false || value === undefined) continue;
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else if (name === 'textContent' || name === 'value') /** @type {any} */ (made)[name] = value;
    else made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child !== null) made.append(child);
  return made;
}

/** @param {HTMLElement} parent @param {...(Node|string|null)} children */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.filter((each) => each !== null).map((each) => /** @type {Node|string} */ (each)));
}

/** @param {string} text @param {() => void} action @param {Record<string, any>} [attributes] */
export function button(text, action, attributes = {}) {
  return el('button', {type: 'button', onclick: action, ...attributes}, text);
}

// A row of buttons of which one is on; arrow keys go along it.
/**
 * @param {string} label @param {{value: string, text: string, title?: string, disabled?: boolean}[]} choices
 * @param {(value: string) => void} choose
 */
export function choiceGroup(label, choices, choose) {
  const buttons = choices.map(({value, text, title, disabled}) =>
    button(text, () => choose(value), {role: 'radio', 'data-value': value, title: title || null, disabled: disabled || false}));
  const element = el('div', {class: 'group', role: 'radiogroup', 'aria-label': label}, ...buttons);
  element.addEventListener('keydown', (event) => {
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
    const enabled = buttons.filter((each) => !each.disabled);
    const at = enabled.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    if (!step || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = enabled[(at + step + enabled.length) % enabled.length];
    next.focus();
    next.click();
  });
  return {
    element,
    /** @param {string} value */
    update(value) {
      for (const each of buttons) {
        const on = each.dataset.value === value;
        each.setAttribute('aria-checked', String(on));
        each.tabIndex = on ? 0 : -1;
      }
      if (!buttons.some((each) => each.tabIndex === 0) && buttons[0]) buttons[0].tabIndex = 0;
    },
  };
}

/** @param {string} text @returns {Promise<boolean>} */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages from a disk may not have the clipboard.
    const area = el('textarea', {'aria-hidden': 'true', style: 'position:fixed;top:0;opacity:0', value: text});
    const focused = /** @type {HTMLElement|null} */ (document.activeElement);
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    focused?.focus();
    return copied;
  }
}
