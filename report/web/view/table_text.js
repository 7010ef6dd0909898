// SPDX-License-Identifier: Apache-2.0
// A table as text, for the clipboard (columns divided by tabs) and for a file (comma-separated values, RFC 4180).

// A field that a spreadsheet would take for a formula begins with an apostrophe: names of functions are not to be trusted.
/** @param {string} field */
function plainField(field) {
  return /^[=+@\t\r]|^-(?![\d.])/.test(field) ? "'" + field : field;
}

/** @param {string[][]} rows */
export function csvText(rows) {
  const quoted = (/** @type {string} */ field) => (/[",\r\n]/.test(field) ? '"' + field.replaceAll('"', '""') + '"' : field);
  return rows.map((row) => row.map((field) => quoted(plainField(field))).join(',') + '\r\n').join('');
}

/** @param {string[][]} rows */
export function tabbedText(rows) {
  return rows.map((row) => row.map((field) => plainField(field.replace(/[\t\r\n]+/g, ' '))).join('\t') + '\n').join('');
}
