// SPDX-License-Identifier: Apache-2.0
// What the lines of a function cost: of all frames of it, by the line where each stands.
/** @typedef {import('./recording.js').Recording} Recording */
/** @typedef {{file: string, line: number, self: number, total: number}} LineCost */

// Of one frame, which may be several functions inlined into each other: its places in the function.
/** @typedef {{key: number, isLeaf: boolean}} LineOfFrame key: of file and line; isLeaf: nothing is inlined into it */

const kLines = 2 ** 24;  // more than any file has

/** @param {Recording} recording @param {number} func @returns {Map<number, LineOfFrame[]>} by frame */
function framesOf(recording, func) {
  const {frameFirst, frameCount, frameLocation, locationFunction, locationFile, locationLine} = recording;
  const frames = /** @type {Map<number, LineOfFrame[]>} */ (new Map());
  for (let frame = 0; frame < frameFirst.length; frame++) {
    for (let i = 0; i < frameCount[frame]; i++) {
      const location = frameLocation[frameFirst[frame] + i];
      if (locationFunction[location] !== func) continue;
      const key = locationFile[location] * kLines + Math.min(locationLine[location], kLines - 1);
      const places = frames.get(frame);
      if (!places) frames.set(frame, [{key, isLeaf: i === 0}]);
      else if (!places.some((place) => place.key === key)) places.push({key, isLeaf: false});
    }
  }
  return frames;
}

/**
 * Self is of innermost frames, total of all; a stack counts once per line, however often the function calls itself there.
 * @param {Recording} recording @param {Float64Array} self of stacks @param {number} func
 * @returns {LineCost[]} by file and line
 */
export function linesOfFunction(recording, self, func) {
  const {stackParent, stackFrame, strings} = recording;
  const frames = framesOf(recording, func);
  const total = self.slice(0, stackParent.length);
  for (let stack = total.length - 1; stack >= 0; stack--) {
    if (stackParent[stack] < stack) total[stackParent[stack]] += total[stack];
  }
  // The nearest stack, itself or a caller, that ends with a frame of the function.
  const nearest = new Int32Array(stackParent.length).fill(-1);
  const lines = /** @type {Map<number, LineCost>} */ (new Map());
  for (let stack = 0; stack < nearest.length; stack++) {
    const above = stackParent[stack] < stack ? nearest[stackParent[stack]] : -1;
    const places = frames.get(stackFrame[stack]);
    nearest[stack] = places ? stack : above;
    if (!places || total[stack] === 0) continue;
    for (const {key, isLeaf} of places) {
      let line = lines.get(key);
      if (!line) lines.set(key, line = {file: strings[Math.floor(key / kLines)], line: key % kLines, self: 0, total: 0});
      if (isLeaf) line.self += self[stack];
      if (!isAmong(key, above, nearest, recording, frames)) line.total += total[stack];
    }
  }
  return [...lines.values()].sort((a, b) => a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line);
}

// Whether a line is that of a caller too.
/** @param {number} key @param {number} stack the nearest caller @param {Int32Array} nearest @param {Recording} recording @param {Map<number, LineOfFrame[]>} frames */
function isAmong(key, stack, nearest, {stackParent, stackFrame}, frames) {
  while (stack >= 0) {
    if (/** @type {LineOfFrame[]} */ (frames.get(stackFrame[stack])).some((place) => place.key === key)) return true;
    stack = stackParent[stack] < stack ? nearest[stackParent[stack]] : -1;
  }
  return false;
}
