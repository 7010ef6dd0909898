// SPDX-License-Identifier: Apache-2.0
// What the page carries of a recording, unpacked: a JSON document and columns of numbers. report/view_data.h says how it
// is packed.

export const kNone = 4294967295;  // there is no such thing
export const kLost = 4294967294;  // there was one, and its definition was lost

/** @typedef {{name: string, type: 'u32'|'f64', code: 'uleb'|'delta', count: number, bytes: number}} ColumnHead */

export class Payload {
  /** @param {any} meta @param {Map<string, Uint32Array|Float64Array>} columns */
  constructor(meta, columns) {
    this.meta = meta;
    this.columns = columns;
  }
  /** @param {string} name @returns {any} of a column that is not there: an empty one */
  column(name) {
    return this.columns.get(name) || new Uint32Array(0);
  }
}

/** @param {string} base64 @returns {Promise<Payload>} */
export async function decodePayload(base64) {
  return readPayload(await unpack(fromBase64(base64)));
}

/** @param {string} base64 @returns {Uint8Array} */
export function fromBase64(base64) {
  const text = base64.trim();
  // Browsers with it are ten times faster by it.
  const quick = /** @type {any} */ (Uint8Array).fromBase64;
  if (quick) return quick.call(Uint8Array, text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** @param {Uint8Array} bytes gzip @returns {Promise<Uint8Array>} */
async function unpack(bytes) {
  const stream = new Blob([/** @type {any} */ (bytes)]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {Uint8Array} bytes @returns {Payload} */
export function readPayload(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const meta = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  /** @type {Map<string, Uint32Array|Float64Array>} */
  const columns = new Map();
  let at = 4 + length;
  for (const head of meta.columns) {
    columns.set(head.name, decodeColumn(bytes.subarray(at, at + head.bytes), head));
    at += head.bytes;
  }
  return new Payload(meta, columns);
}

/** @param {Uint8Array} bytes @param {ColumnHead} head @returns {Uint32Array|Float64Array} */
function decodeColumn(bytes, head) {
  const values = head.type === 'f64' ? new Float64Array(head.count) : new Uint32Array(head.count);
  const delta = head.code === 'delta';
  let at = 0;
  let sum = 0;
  for (let i = 0; i < head.count; i++) {
    let byte = bytes[at++];
    let value = byte & 127;
    if (byte > 127) {
      // Beyond 2^31 bit operations would wrap.
      for (let factor = 128; byte > 127; factor *= 128) {
        byte = bytes[at++];
        value += (byte & 127) * factor;
      }
    }
    if (delta) {
      sum += value % 2 ? -(value + 1) / 2 : value / 2;
      value = sum;
    }
    values[i] = value;
  }
  return values;
}
