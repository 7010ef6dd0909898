// SPDX-License-Identifier: Apache-2.0
// What colour a frame has, by its module, its kind, its cost or its change, in a light and a dark theme, and what colour
// its text has. Hues are those of the flame graph of `flarestack flamegraph`. Text is readable on each colour: its
// contrast is 4.5 or more (WCAG 2.2, 1.4.3), which a test holds for all of them.

/** @typedef {import('./functions.js').Functions} Functions */
/** @typedef {{fill: string, text: string}} Ink */
/** @typedef {object} Scheme colours of functions
 * @property {Ink[]} inks
 * @property {Uint16Array} of index in `inks`, by function
 * @property {Uint16Array} inlined the same of frames that are inlined copies
 * @property {{label: string, ink: number}[]} legend */

// Degrees. Orange-red is the kernel's and green is JIT code's; the others are far enough apart to be told from each
// other, most different first.
const kModuleHues = [212, 42, 282, 182, 326, 240, 62, 300, 198];
const kShades = 3;  // so that neighbours of one module differ
const kThemes = {
  light: {saturation: 72, lightness: 74, inlined: 12, background: '#ffffff', plain: [220, 8, 90], muted: 0.62},
  dark: {saturation: 38, lightness: 31, inlined: -9, background: '#14171b', plain: [220, 8, 24], muted: 0.55},
};
// [hue, more saturation] of what is no module's code.
/** @type {Record<string, [number, number]>} */
const kHues = {
  kernel: [10, 10], jit: [128, -18], interpreter: [92, -18], process: [220, -54], marker: [220, -66], unknown: [30, -60], user: [212, 0],
  allocator: [282, 0],
};
/** @type {Record<string, string>} */
const kKindTitles = {
  user: 'user code', allocator: 'allocator', kernel: 'kernel', jit: 'JIT code', interpreter: 'interpreted', marker: 'marker',
  process: 'process',
};
const kUserKinds = new Set(['native', 'inlined']);
const kCostSteps = 24;
export const kChangeSteps = 8;  // of growth, and as many of shrinking

/** @param {number} hue degrees @param {number} saturation percent @param {number} lightness percent */
export function hexOfHsl(hue, saturation, lightness) {
  const l = lightness / 100;
  const reach = saturation / 100 * Math.min(l, 1 - l);
  const channel = (/** @type {number} */ n) => {  // CSS Color Module 4, section 7.1
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (l - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1)))).toString(16).padStart(2, '0');
  };
  return '#' + channel(0) + channel(8) + channel(4);
}

/** @param {string} hex @returns {number[]} */
const channelsOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Relative luminance of WCAG 2.2. @param {string} hex */
function luminance(hex) {
  const [r, g, b] = channelsOf(hex).map((value) => value / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} a @param {string} b @returns {number} 1 to 21 */
export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** @param {string} a @param {string} b @param {number} part of b */
export function mix(a, b, part) {
  const other = channelsOf(b);
  return '#' + channelsOf(a).map((value, i) => Math.round(value + (other[i] - value) * part).toString(16).padStart(2, '0')).join('');
}

/** With the text that is easiest to read on it. @param {string} fill @returns {Ink} */
export function inkOf(fill) {
  const [dark, light] = ['#16191d', '#ffffff'];
  return {fill, text: contrast(fill, dark) >= contrast(fill, light) ? dark : light};
}

/** Of what is not meant at the moment: beside a search's matches, and above the zoomed frame.
 * @param {Ink} ink @param {boolean} dark @returns {Ink} */
export function mutedInk(ink, dark) {
  const {background, muted} = kThemes[dark ? 'dark' : 'light'];
  return inkOf(mix(ink.fill, background, muted));
}

/** Of the root and of stubs. @param {boolean} dark @returns {Ink} */
export function plainInk(dark) {
  const [hue, saturation, lightness] = kThemes[dark ? 'dark' : 'light'].plain;
  return inkOf(hexOfHsl(hue, saturation, lightness));
}

/** A match of the search. @param {boolean} dark @returns {Ink} */
export function matchInk(dark) {
  return inkOf(dark ? '#d946ef' : '#e879f9');
}

/** @param {string} name */
function shadeOf(name) {
  let hash = 2166136261;  // FNV-1a
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  return (hash >>> 8) % kShades;
}

/** Gives each different colour one index. */
class Inks {
  /** @param {boolean} dark */
  constructor(dark) {
    this.theme = kThemes[dark ? 'dark' : 'light'];
    /** @type {Ink[]} */
    this.inks = [];
    /** @type {Map<string, number>} */
    this.indexes = new Map();
  }

  /** @param {string} fill */
  index(fill) {
    let found = this.indexes.get(fill);
    if (found === undefined) {
      found = this.inks.push(inkOf(fill)) - 1;
      this.indexes.set(fill, found);
    }
    return found;
  }

  /** @param {[number, number]} hue with more saturation @param {number} shade 0 to 2 @param {boolean} [inlined] */
  shaded([degrees, more], shade, inlined = false) {
    const {saturation, lightness, inlined: paler} = this.theme;
    return this.index(hexOfHsl(degrees, Math.max(4, saturation + more), lightness + 3 * (shade - 1) + (inlined ? paler : 0)));
  }

  /** @param {Functions} functions @param {(f: number) => [number, number]} hueOf */
  ofFunctions(functions, hueOf) {
    const of = new Uint16Array(functions.count);
    const inlined = new Uint16Array(functions.count);
    /** @type {Map<[number, number], number[]>} */
    const known = new Map();  // of a hue: its shades, and its paler shades
    for (let f = 0; f < functions.count; f++) {
      const hue = hueOf(f);
      let shades = known.get(hue);
      if (!shades) known.set(hue, shades = Array.from({length: 2 * kShades}, (_, i) => this.shaded(hue, i % kShades, i >= kShades)));
      const shade = shadeOf(functions.name(f));
      of[f] = shades[shade];
      inlined[f] = shades[kShades + shade];
    }
    return {of, inlined};
  }
}

/** Native code by its module, the heaviest modules first; other code by its kind.
 * @param {Functions} functions @param {Float64Array} self of each function, which ranks their modules @param {boolean} dark
 * @returns {Scheme} */
export function moduleScheme(functions, self, dark) {
  /** @type {Map<string, number>} */
  const weights = new Map();
  const kinds = new Set();
  const isOfModule = (/** @type {number} */ f) => kUserKinds.has(functions.kind(f));
  for (let f = 0; f < functions.count; f++) {
    if (isOfModule(f)) weights.set(functions.module(f), (weights.get(functions.module(f)) || 0) + self[f]);
    else if (self[f] > 0) kinds.add(functions.kind(f));
  }
  const ranked = [...weights].sort((a, b) => b[1] - a[1]);
  /** @type {Map<string, [number, number]>} */
  const hues = new Map(ranked.filter(([name]) => name !== '').map(([name], rank) => [name, [kModuleHues[rank % kModuleHues.length], 0]]));
  const inks = new Inks(dark);
  const {of, inlined} = inks.ofFunctions(functions, (f) => {
    // A library that is collapsed has its functions' colour.
    const ofModule = isOfModule(f) || functions.kind(f) === 'marker' && functions.module(f) !== '';
    return ofModule ? hues.get(functions.module(f)) || kHues.unknown : kHues[functions.kind(f)] || kHues.marker;
  });
  const legend = ranked.filter(([, weight]) => weight > 0).slice(0, kModuleHues.length).map(([name]) =>
      ({label: name || '[unknown]', ink: inks.shaded(hues.get(name) || kHues.unknown, 1)}));
  if (legend.length > 0) legend.push({label: 'inlined, fainter', ink: inks.shaded([kModuleHues[0], 0], 1, true)});
  for (const kind of ['kernel', 'jit', 'interpreter', 'marker']) {
    if (kinds.has(kind)) legend.push({label: kKindTitles[kind], ink: inks.shaded(kHues[kind], 1)});
  }
  return {inks: inks.inks, of, inlined, legend};
}

/** User code, kernel, JIT, allocator and so on.
 * @param {Functions} functions @param {Float64Array} self of each function @param {boolean} dark @returns {Scheme} */
export function kindScheme(functions, self, dark) {
  const inks = new Inks(dark);
  const found = new Set();
  const {of, inlined} = inks.ofFunctions(functions, (f) => {
    const kind = functions.isAllocator(f) ? 'allocator' : kUserKinds.has(functions.kind(f)) ? 'user' : functions.kind(f);
    if (self[f] > 0) found.add(kind);
    return kHues[kind] || kHues.marker;
  });
  const legend = Object.keys(kKindTitles).filter((kind) => found.has(kind)).map((kind) =>
      ({label: kKindTitles[kind], ink: inks.shaded(kHues[kind], 1)}));
  return {inks: inks.inks, of, inlined, legend};
}

/** From pale for functions that cost nothing themselves to red for the one that costs most, by the square root: few functions have
 * more than a tenth of the greatest cost, and they are to be told apart.
 * @param {Functions} functions @param {Float64Array} self @param {boolean} dark @param {(part: number) => string} text of a part of the greatest cost
 * @returns {Scheme} */
export function costScheme(functions, self, dark, text) {
  const inks = [];
  for (let step = 0; step <= kCostSteps; step++) {
    const part = step / kCostSteps;
    inks.push(inkOf(dark ? hexOfHsl(48 - 40 * part, 10 + 65 * part, 24 + 16 * part) : hexOfHsl(50 - 42 * part, 30 + 60 * part, 92 - 30 * part)));
  }
  let most = 0;
  for (const each of self) most = Math.max(most, each);
  const of = new Uint16Array(functions.count);
  for (let f = 0; f < functions.count; f++) of[f] = most > 0 ? Math.round(Math.sqrt(Math.max(0, self[f]) / most) * kCostSteps) : 0;
  const legend = [0, 0.25, 0.5, 0.75, 1].map((root) => ({label: text(root * root), ink: Math.round(root * kCostSteps)}));
  return {inks, of, inlined: of, legend};
}

/** The inks of differences: grey in the middle, at kChangeSteps; from there on red for growth and, towards 0, blue.
 * @param {boolean} dark @returns {Ink[]} */
export function changeInks(dark) {
  const inks = [];
  for (let step = -kChangeSteps; step <= kChangeSteps; step++) {
    const part = Math.abs(step) / kChangeSteps;
    const hue = step === 0 ? 220 : step > 0 ? 6 : 214;
    inks.push(inkOf(dark ? hexOfHsl(hue, 6 + 54 * part, 28 + 8 * part) : hexOfHsl(hue, 8 + 78 * part, 90 - 24 * part)));
  }
  return inks;
}
