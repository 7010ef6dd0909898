// SPDX-License-Identifier: Apache-2.0
// SandwichPanel: the small flame graph of a function's callers, or the icicle of what it calls. A click goes to the function
// that was clicked at, instead of zooming.
import {chooseByChange, chooseByFunction, inksOfFrames, vanishedFrames} from './flame_inks.js';
import {FlamePanel} from './flame_panel.js';
import {openFrameMenu} from './frame_menu.js';
import {functionColours, isDark} from './function_colours.js';
import {functionPath} from './tree.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */

const kRowHeight = 17;

export class SandwichPanel extends FlamePanel {
  /** @param {Context} context @param {number} which 0: callers, 1: callees @param {string} label @param {(f: number) => void} go */
  constructor(context, which, label, go) {
    super(context, which, label, () => {});
    this.go = go;
    this.element.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.scene || event.ctrlKey || event.altKey || event.metaKey) return;
    const layout = this.layout();
    const flame = this.state.form === 'flame';
    const [up, down] = [layout.parent[this.cursor], layout.firstChild(this.cursor)];
    switch (event.key) {
      case 'ArrowUp':
        this.moveCursor(flame ? down : up);
        break;
      case 'ArrowDown':
        this.moveCursor(flame ? up : down);
        break;
      case 'ArrowLeft':
      case 'ArrowRight':
        this.moveCursor(layout.beside(this.cursor, event.key === 'ArrowRight' ? 1 : -1));
        break;
      case 'Enter':
        this.zoomTo(this.cursor);
        break;
      case 'm':
        this.openMenu(this.cursor, null);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {ViewState} state @param {import('./tree.js').FrameTree} tree @param {import('./difference_tree.js').DifferenceTree|null} difference */
  show(state, tree, difference) {
    const {model} = this.context;
    const dark = isDark(state);
    const matches = model.matches(state);
    const key = JSON.stringify([dark, state.colour, state.search, state.func]);
    this.update({...state, form: this.which === 0 ? 'flame' : 'icicle', order: 'heavy', inverted: true, zoom: [state.func]}, {
      tree, part: 1, inTime: false, rowHeight: kRowHeight, key,
      paint: (layout) => (difference ?
          {...inksOfFrames(layout, chooseByChange(difference, layout, dark), matches, dark), hatched: vanishedFrames(difference, layout)} :
          inksOfFrames(layout, chooseByFunction(functionColours(model, state), layout), matches, dark)),
    });
  }

  /** @param {number[]} path */
  setZoom(path) {
    const f = path[path.length - 1];
    this.context.tooltip.hide();
    if (f !== undefined && f !== this.state.func) this.go(f);
  }

  // Paths from here are none from the root.
  /** @param {number} at @param {MouseEvent|null} event */
  openMenu(at, event) {
    const {tree, node} = this.layout();
    const path = functionPath(tree, node[at]);
    const {x, y} = event ? {x: event.clientX, y: event.clientY} : this.placeOf(at);
    openFrameMenu(this.context, {func: tree.func(node[at]), stack: this.which === 0 ? path.reverse() : path}, x, y);
  }
}
