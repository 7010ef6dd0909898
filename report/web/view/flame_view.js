// SPDX-License-Identifier: Apache-2.0
// The flame graph and icicle: of one recording, of two side by side, or of what changed between them.
import {changeInks, costScheme, kChangeSteps} from './colour.js';
import {differenceTree, totalsAreEqual} from './comparison.js';
import {el, fill} from './dom.js';
import {chooseByChange, chooseByFunction, inksOfFrames, vanishedFrames} from './flame_inks.js';
import {makeFlameKeys} from './flame_keys.js';
import {findNode, FlameLayout} from './flame_layout.js';
import {FlamePanel} from './flame_panel.js';
import {FlameLegend, makeFlameToolbar, rowHeightOf} from './flame_toolbar.js';
import {countText} from './format.js';
import {functionColours, isDark} from './function_colours.js';
import {valueText} from './metrics.js';

/** @typedef {import('./page.js').Context} Context */
/** @typedef {import('./state.js').ViewState} ViewState */
/** @typedef {import('./flame_panel.js').Look} Look */

const kRestMs = 400;  // without a change

export class FlameView {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    /** @type {FlamePanel[]} */
    this.panels = [];
    this.active = 0;
    this.graphs = el('div', {class: 'flame-graphs'});
    this.legend = new FlameLegend();
    this.toolbar = makeFlameToolbar(context, () => this.panel().zoomOut());
    this.element = el('div', {class: 'flame'}, this.toolbar.element, this.graphs, this.legend.element);
    this.darkness = matchMedia('(prefers-color-scheme: dark)');
    this.recolour = () => this.update(context.store.state, context.store.state);
    this.darkness.addEventListener('change', this.recolour);
    this.preparing = 0;
    this.keys = makeFlameKeys(context, () => this.panel(), this.graphs);
  }

  destroy() {
    this.darkness.removeEventListener('change', this.recolour);
    clearTimeout(this.preparing);
    this.panels.forEach((each) => each.destroy());
  }

  panel() {
    return this.panels[Math.min(this.active, this.panels.length - 1)];
  }

  /** @param {ViewState} state @param {ViewState} old */
  update(state, old) {
    const sides = state.compare === 'side' ? this.context.model.recordings.length : 1;
    if (this.panels.length !== sides) this.makePanels(sides);
    this.toolbar.update(state, old);
    this.panels.forEach((panel, which) => panel.update(state, this.look(state, which)));
    this.updateNote();
    // The first row of the inverted tree takes a moment with many stacks: before somebody asks for it.
    clearTimeout(this.preparing);
    this.preparing = setTimeout(() => this.treeOf({...state, inverted: true}, 0).children(0), kRestMs);
  }

  /** @param {number} sides */
  makePanels(sides) {
    const {model} = this.context;
    this.panels.forEach((each) => each.destroy());
    const hovered = (/** @type {FlamePanel} */ panel, /** @type {number[]|null} */ path) => {
      for (const other of this.panels) if (other !== panel) other.echo(path);
    };
    this.panels = Array.from({length: sides}, (_, which) => new FlamePanel(this.context, which,
        sides > 1 ? `Flame graph of ${model.recordings[which].meta.title}` : 'Flame graph', () => this.updateNote(), hovered));
    fill(this.graphs, ...this.panels.map((panel, which) => sides > 1 ?
      el('section', {class: 'flame-side'}, el('h2', {}, model.recordings[which].meta.title), panel.element) : panel.element));
    this.panels.forEach((panel, which) => panel.element.addEventListener('focus', () => { this.active = which; }));
  }

  /** @param {ViewState} state */
  isDifference(state) {
    return state.compare === 'difference' && this.context.model.recordings.length > 1;
  }
  /** @param {ViewState} state @param {number} which @returns {import('./tree.js').FrameTree} */
  treeOf(state, which) {
    const {model} = this.context;
    return this.isDifference(state) ? differenceTree(model, state) : model.tree(state, which);
  }

  /** @param {ViewState} state @param {number} which @returns {Look} */
  look(state, which) {
    const {model} = this.context;
    const dark = isDark(state);
    const isDifference = this.isDifference(state);
    const inTime = !isDifference && state.order === 'time' && model.canBeInTime(state);
    const matches = model.matches(state, which);
    const rowHeight = rowHeightOf(state);
    const {metric, ranges, process, thread, transforms} = state;
    const key = JSON.stringify([dark, state.colour, state.search, metric, ranges, process, thread, transforms, state.compare]);
    if (isDifference) {
      const tree = differenceTree(model, state);
      if (which === 0) this.legend.update(changeLegend(dark));
      return {
        tree, inTime, rowHeight, key, paint: (layout) =>
          ({...inksOfFrames(layout, chooseByChange(tree, layout, dark), matches, dark), hatched: vanishedFrames(tree, layout)}),
      };
    }
    const scheme = this.scheme(state, which, dark);
    if (which === 0) this.legend.update(scheme.legend.map(({label, ink}) => ({label, ink: scheme.inks[ink]})));
    return {
      tree: model.tree(state, which), inTime, rowHeight, key, part: this.partOfWidth(state, which),
      paint: (layout) => inksOfFrames(layout, chooseByFunction(scheme, layout), matches, dark),
    };
  }

  /** Side by side, values as they are have one scale: the smaller graph is narrower. @param {ViewState} state @param {number} which */
  partOfWidth(state, which) {
    const {model} = this.context;
    if (state.compare !== 'side' || totalsAreEqual(state)) return 1;
    const values = model.recordings.map((_, each) => {
      const tree = model.tree(state, each);
      return tree.total(findNode(tree, state.zoom));
    });
    return values[which] > 0 ? values[which] / Math.max(...values) : 1;
  }

  /** @param {ViewState} state @param {number} which @param {boolean} dark @returns {import('./colour.js').Scheme} */
  scheme(state, which, dark) {
    const {model, functions} = this.context;
    if (state.colour === 'cost') {
      const {self} = model.functionTable(state, which);
      const most = self.reduce((a, b) => Math.max(a, b), 0);
      return costScheme(functions, self, dark, (part) => part === 0 ? 'own cost: none' : valueText(state.metric, part * most));
    }
    return functionColours(model, state);
  }

  updateNote() {
    const layouts = this.panels.flatMap((each) => each.scene?.layout || []);
    const narrow = layouts.reduce((sum, each) => sum + each.narrow, 0);
    this.legend.note.textContent = layouts.every(({tree}) => tree.total(0) === 0) ? 'Nothing of this metric is left to be shown' :
      narrow > 0 ? `${countText(narrow)} frame${narrow === 1 ? ' is' : 's are'} too narrow to be drawn here` : '';
  }
}

/** @param {boolean} dark */
function changeLegend(dark) {
  const inks = changeInks(dark);
  return [
    {label: 'less', ink: inks[0]}, {label: 'may be chance, or is little', ink: inks[kChangeSteps]}, {label: 'more', ink: inks[2 * kChangeSteps]},
    {label: 'vanished', ink: inks[0], hatched: true},
  ];
}

/** @type {import('./page.js').View} */
export const kFlameView = {
  name: 'flame', title: 'Flame graph', key: '1',
  prepare: (model, state) => [
    ...model.recordings[0].meta.metrics.map((/** @type {{name: string}} */ {name}) => () => model.topDown({...state, metric: name})),
    () => model.functionTable(state), () => functionColours(model, state),
    () => new FlameLayout(model.topDown(state), {zoom: 0, width: innerWidth}).extend(), () => model.inverted(state).children(0),
  ],
  make(/** @type {Context} */ context) {
    const view = new FlameView(context);
    return {
      element: view.element, keys: view.keys, update: (/** @type {ViewState} */ state, /** @type {ViewState} */ old) => view.update(state, old),
      destroy: () => view.destroy(),
    };
  },
};
