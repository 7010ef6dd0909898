// SPDX-License-Identifier: Apache-2.0
// Names in as much room as a frame has. What is measured and shortened is kept: the same names are drawn again and again.

/** A name in so many characters: it loses its parameters first, then the insides of its template arguments from the
 * inside out, and its end last. @param {string} name @param {number} room */
export function shorten(name, room) {
  if (name.length <= room) return name;
  let shown = name.replace(/^(.+?[^ ])\(.*\)( const)?$/, '$1(…)$2');
  while (shown.length > room) {
    const folded = shown.replace(/<[^<>…]{2,}>/g, '<…>').replace(/<[^<>]*<…>[^<>]*>/g, '<…>');
    if (folded === shown) break;
    shown = folded;
  }
  return shown.length <= room ? shown : shown.slice(0, Math.max(1, room - 1)) + '…';
}

const kMostKept = 50_000;

/** Fits names into widths. */
export class TextFitter {
  /** @param {(text: string) => number} measure the width of a text in pixels, in a font of one width for all Latin letters */
  constructor(measure) {
    this.measure = measure;
    this.latinWidth = measure('M'.repeat(64)) / 64;
    /** @type {Map<string, number>} the mean width of a name's characters */
    this.widths = new Map();
    /** @type {Map<string, Map<number, string>>} by name and room */
    this.shortened = new Map();
    this.kept = 0;
  }

  /** @param {string} name @returns {number} */
  characterWidth(name) {
    let width = this.widths.get(name);
    if (width === undefined) {
      width = /^[\x20-\x7e]*$/.test(name) ? this.latinWidth : this.measure(name) / name.length;
      this.widths.set(name, width);
    }
    return width;
  }

  /** As much of a name as has room; empty where not even three characters have. @param {string} name @param {number} width */
  fit(name, width) {
    if (width < 3 * this.latinWidth) return '';
    const room = Math.floor(width / this.characterWidth(name));
    if (room >= name.length) return name;
    if (room < 3) return '';
    let lengths = this.shortened.get(name);
    if (!lengths) {
      if (this.kept > kMostKept) {
        this.shortened.clear();
        this.kept = 0;
      }
      lengths = new Map();
      this.shortened.set(name, lengths);
    }
    let text = lengths.get(room);
    if (text === undefined) {
      text = shorten(name, room);
      lengths.set(room, text);
      this.kept++;
    }
    return text;
  }
}
