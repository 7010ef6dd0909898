// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them, in the words of the program's other reports.

/** @param {number} bytes */
export function bytesText(bytes) {
  const size = Math.abs(bytes);
  if (size < 1000) return `${Math.round(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit + 1 < units.length) {
    value /= 1024;
    unit++;
  }
  return `${threeDigits(value)} ${units[unit]}`;
}

/** @param {number} ns */
export function timeText(ns) {
  const size = Math.abs(ns);
  if (size < 1000) return `${Math.round(ns)} ns`;
  if (size < 1e6) return `${threeDigits(ns / 1e3)} us`;
  if (size < 1e9) return `${threeDigits(ns / 1e6)} ms`;
  if (size < 120e9) return `${threeDigits(ns / 1e9)} s`;
  const seconds = Math.round(size / 1e9);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const sign = ns < 0 ? '-' : '';
  const tail = `${String(minutes).padStart(hours > 0 ? 2 : 1, '0')} min ${String(seconds % 60).padStart(2, '0')} s`;
  return sign + (hours > 0 ? `${hours} h ${tail}` : tail);
}

/** @param {number} value */
export function countText(value) {
  return Math.round(value).toLocaleString('en');
}

/** @param {number} part of 1 */
export function percentText(part) {
  if (!Number.isFinite(part)) return '-';
  const percent = part * 100;
  return percent !== 0 && Math.abs(percent) < 0.05 ? `${percent < 0 ? '-' : ''}<0.1%` : `${percent.toFixed(1)}%`;
}

/** @param {'ns'|'bytes'|'allocations'} unit @param {number} value */
export function unitText(unit, value) {
  return unit === 'ns' ? timeText(value) : unit === 'bytes' ? bytesText(value) : countText(value);
}

/** @param {number} value */
function threeDigits(value) {
  const size = Math.abs(value);
  return value.toFixed(size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}
