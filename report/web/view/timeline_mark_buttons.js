// SPDX-License-Identifier: Apache-2.0
// The marks on the timeline's axis: what they say is shown while the pointer or the keyboard's focus is on one.

import {el, fill} from './dom.js';
import {groupMarks} from './timeline_marks.js';

const kIcons = {'peak': '▲', 'leak-check': '◆'};

export class MarkButtons {
  /** @param {import('./page.js').Context} context */
  constructor(context) {
    this.tooltip = context.tooltip;
    this.element = el('div', {class: 'timeline-marks', role: 'group', 'aria-label': 'Marks'});
    this.drawn = '';
  }

  /** @param {import('./timeline_marks.js').Mark[]} marks @param {{from: number, to: number}} range @param {number} width */
  update(marks, range, width) {
    const groups = groupMarks(marks, range, width);
    const text = JSON.stringify(groups);
    if (text === this.drawn) return;
    this.drawn = text;
    fill(this.element, ...groups.map(({x, marks: of}) => {
      const kinds = [...new Set(of.map(({kind}) => kind))];
      const mark = el('button', {type: 'button', class: 'timeline-mark', style: `left:${Math.max(8, Math.min(x, width - 8))}px`,
        'aria-label': of.map((each) => each.text).join('; ')}, kinds.map((kind) => kIcons[kind]).join(''));
      const show = () => {
        const {left, bottom} = mark.getBoundingClientRect();
        const lines = of.slice(0, 8).map((each) => el('div', {}, `${kIcons[each.kind]} ${each.text}`));
        if (of.length > 8) lines.push(el('div', {class: 'dim'}, `and ${of.length - 8} more`));
        this.tooltip.show(left, bottom - 10, ...lines);
      };
      for (const event of ['pointerenter', 'focus', 'click']) mark.addEventListener(event, show);
      for (const event of ['pointerleave', 'blur']) mark.addEventListener(event, () => this.tooltip.hide());
      return mark;
    }));
  }
}
