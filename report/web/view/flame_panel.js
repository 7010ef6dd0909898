// SPDX-License-Identifier: Apache-2.0
// FlamePanel: one flame graph that can be scrolled, pointed at, walked with the keyboard and zoomed. Two of them stand side
// by side when recordings are compared.
import {el} from './dom.js';
import {findNode, FlameLayout, runsOf} from './flame_layout.js';
import {FlameOutline} from './flame_outline.js';
import {FlamePainter, rowUnder, topOfRow} from './flame_painter.js';
import {listenToPointer} from './flame_pointer.js';
import {frameName, frameSentence, frameTooltip} from './flame_tooltip.js';
import {openFrameMenu} from './frame_menu.js';
import {functionPath} from './tree.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./tree.js').FrameTree} FrameTree */
/**
 * @typedef {object} Look
 * @property {FrameTree} tree
 * @property {number} [part] of the width that the zoomed frame takes; all of it
 * @property {boolean} inTime
 * @property {number} rowHeight
 * @property {(layout: FlameLayout) => import('./flame_inks.js').FrameInks} paint
 * @property {string} key same as before: nothing to be painted anew
 */

const kLayoutMs = 6;  // at a time; the rest follows in the next picture

export class FlamePanel {
  /** @param {Context} context @param {number} which recording @param {string} label @param {() => void} laidOut told of each layout
   * @param {(panel: FlamePanel, path: number[]|null) => void} [hovered] told of the frame under the pointer */
  constructor(context, which, label, laidOut, hovered = () => {}) {
    this.context = context;
    this.which = which;
    this.laidOut = laidOut;
    this.hoveredPath = hovered;
    this.state = context.store.state;
    this.painter = new FlamePainter();
    this.outline = new FlameOutline(`flame-${which}`, (at) => this.zoomTo(at));
    this.spacer = el('div', {class: 'flame-spacer'},
        el('div', {class: 'flame-window', 'aria-hidden': 'true'}, this.painter.frames, this.painter.marks));
    this.element = el('div', {class: 'flame-graph', role: 'tree', tabindex: 0, 'aria-label': label}, this.outline.element, this.spacer);
    /** @type {Look|null} */
    this.look = null;
    /** @type {import('./flame_painter.js').Scene|null} */
    this.scene = null;
    this.hovered = -1;  // index in the layout
    this.echoed = -1;  // what is hovered in the graph beside
    this.cursor = 0;  // what the keyboard is on
    this.cursorNode = 0;  // of cursorTree; in another tree it is looked for by its path
    /** @type {number[]} */
    this.cursorPath = [];
    /** @type {FrameTree|null} */
    this.cursorTree = null;
    this.pending = 0;
    this.shownZoom = '';  // with its form
    this.listen();
    this.sizes = new ResizeObserver(() => this.resized());
    this.sizes.observe(this.element);
  }

  destroy() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.pending);
  }

  listen() {
    const {element} = this;
    element.addEventListener('scroll', () => {
      this.context.tooltip.hide();
      this.draw();
    });
    element.addEventListener('focus', () => this.showCursor());
    element.addEventListener('blur', () => this.drawMarks());
    listenToPointer(this);
  }

  /** What text about frames is made of. */
  shown() {
    const {context, state, which} = this;
    return {context, state, which, layout: this.layout()};
  }

  /** @returns {FlameLayout} */
  layout() {
    if (!this.scene) throw new Error('a flame graph before its first update');
    return this.scene.layout;
  }

  /** @param {ViewState} state @param {Look} look */
  update(state, look) {
    const old = this.look;
    const wasFlame = this.scene?.flame;
    this.state = state;
    this.look = look;
    if (!this.scene || !old || old.tree !== look.tree || old.part !== look.part || this.zoomNode() !== this.layout().zoomed || wasFlame !== (state.form === 'flame')) {
      this.layOut();
    } else if (old.rowHeight !== look.rowHeight) {
      this.placeRows(this.layout());
      this.paint();
    } else if (old.key !== look.key) {
      this.paint();
    }
  }

  zoomNode() {
    const {tree, inTime} = /** @type {Look} */ (this.look);
    return findNode(tree, this.state.zoom, inTime ? this.runs() : []);
  }
  runs() {
    return (this.state.extra['flame.runs'] || '').split('.').map(Number);
  }

  resized() {
    if (!this.look) return;
    const [width, height] = [this.element.clientWidth, this.element.clientHeight];
    if (width === 0 || height === 0) return;
    if (this.painter.resize(width, height) || !this.scene) this.layOut();
  }

  layOut() {
    const {look, painter} = this;
    if (!look || this.element.clientWidth === 0) return;
    painter.resize(this.element.clientWidth, this.element.clientHeight);
    cancelAnimationFrame(this.pending);
    this.hovered = this.echoed = -1;
    const shown = `${this.state.form} ${this.state.zoom}`;
    const layout = new FlameLayout(look.tree, {zoom: this.zoomNode(), width: painter.width * (look.part ?? 1), inTime: look.inTime});
    this.extend(layout);
    // Another part of the recording does not move what is looked at.
    if (shown !== this.shownZoom) this.showRow(layout.zoomRow);
    this.shownZoom = shown;
  }

  /** @param {FlameLayout} layout */
  extend(layout) {
    const end = performance.now() + kLayoutMs;
    layout.extend(() => performance.now() > end);
    this.placeRows(layout);
    const cursor = this.cursorTree === layout.tree ? this.cursorNode : findNode(layout.tree, this.cursorPath);
    this.cursor = Math.max(layout.indexOf(cursor), layout.rowStart[layout.zoomRow]);
    this.paint();
    this.updateOutline();
    this.laidOut();
    if (!layout.done) this.pending = requestAnimationFrame(() => this.extend(layout));
  }

  /** Gives the rows their height; what was in sight stays, above the bottom in a flame graph. @param {FlameLayout} layout */
  placeRows(layout) {
    const {element, painter, spacer, state} = this;
    const {rowHeight} = /** @type {Look} */ (this.look);
    const flame = state.form === 'flame';
    const below = this.scene?.flame ? this.scene.height - this.scene.window - element.scrollTop : 0;
    const height = Math.max(layout.rows * rowHeight, painter.height);
    spacer.style.height = `${height}px`;
    if (flame) element.scrollTop = height - painter.height - below;
    this.scene = {
      layout, flame, rowHeight, height, window: painter.height, top: element.scrollTop, nameOf: (at) => frameName(this.shown(), at),
      inks: {inks: [], ink: new Uint16Array(0), hatched: null},
    };
  }

  paint() {
    if (!this.scene || !this.look) return;
    this.scene.inks = this.look.paint(this.scene.layout);
    this.draw();
  }

  draw() {
    if (!this.scene || this.scene.inks.ink.length === 0) return;
    this.scene.top = this.element.scrollTop;
    this.painter.draw(this.scene);
    this.drawMarks();
  }

  drawMarks() {
    if (!this.scene) return;
    const style = getComputedStyle(this.element);
    const marks = [];
    for (const at of [this.hovered, this.echoed]) if (at >= 0) marks.push({at, colour: style.getPropertyValue('--fg'), width: 1});
    if (document.activeElement === this.element) marks.push({at: this.cursor, colour: style.getPropertyValue('--accent'), width: 2.5});
    this.painter.drawMarks(this.scene, marks);
  }

  /** @param {MouseEvent} event @returns {number} -1: nothing is there */
  indexAt(event) {
    if (!this.scene) return -1;
    const box = this.element.getBoundingClientRect();
    const y = event.clientY - box.top - this.element.clientTop + this.element.scrollTop;
    return this.scene.layout.hit(event.clientX - box.left - this.element.clientLeft, rowUnder(this.scene, y));
  }

  /** @param {number} at */
  hover(at) {
    if (at === this.hovered) return;
    this.hovered = at;
    this.element.classList.toggle('over-frame', at >= 0);
    this.drawMarks();
    const {hidden, node, tree} = this.layout();
    this.hoveredPath(this, at >= 0 && hidden[at] === 0 ? functionPath(tree, node[at]) : null);
  }
  /** Marks the frame of this path, if it is there. @param {number[]|null} path */
  echo(path) {
    if (!this.scene) return;
    const {layout} = this.scene;
    const node = path ? findNode(layout.tree, path) : 0;
    this.echoed = path && functionPath(layout.tree, node).length === path.length ? layout.indexOf(node) : -1;
    this.drawMarks();
  }

  /** A frame; of a stub, the frame that its frames were called by. @param {number} at */
  zoomTo(at) {
    const layout = this.layout();
    this.setZoom(functionPath(layout.tree, layout.node[at]), layout.node[at]);
  }
  zoomOut() {
    if (this.state.zoom.length === 0) return false;
    this.setZoom(this.state.zoom.slice(0, -1));
    return true;
  }
  /** @param {number[]} path @param {number} [node] which of the runs of this path, in order of time */
  setZoom(path, node) {
    const {context, look} = this;
    if (!look || !this.scene || path.join() === this.state.zoom.join() && !look.inTime) return;
    const extra = {...this.state.extra};
    const runs = !look.inTime ? [] : node === undefined ? this.runs().slice(0, path.length) : runsOf(look.tree, node);
    if (runs.some((each) => each > 0)) extra['flame.runs'] = runs.join('.');
    else delete extra['flame.runs'];
    this.rememberCursor(node ?? findNode(look.tree, path, runs));
    context.tooltip.hide();
    context.store.set({zoom: path, extra});
    const layout = this.layout();
    context.announce(path.length === 0 ? 'Zoomed out: everything' : `Zoomed: ${frameSentence(this.shown(), layout.rowStart[layout.zoomRow])}`);
    if (document.activeElement === this.element) this.showCursor();
  }

  /** @param {number} at */
  moveCursor(at) {
    if (at < 0 || !this.scene) return;
    this.setCursor(at);
    this.showRow(this.scene.layout.rowOf(at));
    if (document.activeElement === this.element) this.showCursor();
    else this.element.focus();
  }

  /** @param {number} at */
  setCursor(at) {
    this.cursor = at;
    this.rememberCursor(this.layout().node[at]);
    this.updateOutline();
  }

  /** @param {number} node of the tree that is shown */
  rememberCursor(node) {
    const {tree} = this.layout();
    this.cursorNode = node;
    this.cursorTree = tree;
    this.cursorPath = functionPath(tree, node);
  }

  /** The frame that the keyboard is on, with its tooltip. */
  showCursor() {
    if (!this.scene) return;
    this.drawMarks();
    if (!this.element.matches(':focus-visible')) return;
    const {x, y} = this.placeOf(this.cursor);
    this.context.tooltip.show(x - 14, y, ...frameTooltip(this.shown(), this.cursor));
  }

  /** In the window: its lower left corner. @param {number} at */
  placeOf(at) {
    const scene = /** @type {import('./flame_painter.js').Scene} */ (this.scene);
    const box = this.element.getBoundingClientRect();
    return {x: box.left + scene.layout.x[at], y: box.top + topOfRow(scene, scene.layout.rowOf(at)) - this.element.scrollTop + scene.rowHeight};
  }

  updateOutline() {
    const shown = this.shown();
    const id = this.outline.update(shown.layout, this.cursor, (at) => frameSentence(shown, at));
    this.element.setAttribute('aria-activedescendant', id);
  }

  /** @param {number} row */
  showRow(row) {
    const {element, scene} = this;
    if (!scene) return;
    const top = topOfRow(scene, row);
    const [above, below] = [3 * scene.rowHeight, 6 * scene.rowHeight];  // what else should be seen
    if (top - above < element.scrollTop) element.scrollTop = top - above;
    else if (top + below > element.scrollTop + element.clientHeight) element.scrollTop = top + below - element.clientHeight;
  }

  /** @param {number} at @param {MouseEvent|null} event of the pointer, or none: by the keyboard */
  openMenu(at, event) {
    const {tree, node} = this.layout();
    this.setCursor(at);
    let stack = functionPath(tree, node[at]);
    const inTime = this.look?.inTime;
    const isInverted = this.state.inverted && !inTime;
    if (inTime && this.context.model.threadFunctions[this.which].includes(stack[0])) stack = stack.slice(1);
    const {x, y} = event ? {x: event.clientX, y: event.clientY} : this.placeOf(at);
    openFrameMenu(this.context, {func: tree.func(node[at]), path: isInverted ? undefined : stack, stack: isInverted ? stack.reverse() : stack}, x, y);
  }
}
