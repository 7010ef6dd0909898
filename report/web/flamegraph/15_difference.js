// SPDX-License-Identifier: Apache-2.0
// Where the graph shows how two recordings differ: a frame's value is that of both together, its count what the base has of
// it. What is painted is decided as in report/flamegraph_difference.cc.

const kChangeSteps = 8;

function changeOf(frame) {
  const base = frame.count;
  const newer = Math.max(0, frame.value - frame.count);
  return {base, newer, change: newer - base};
}

// How red or, below zero, blue a frame is.
function changeStep(frame) {
  const {weights, sigmas, least, whole, equalTotals} = data.difference;
  const {base, newer, change} = changeOf(frame);
  if (change === 0 || Math.abs(change) < least) return 0;
  let strength = kChangeSteps * Math.abs(change) / Math.max(base, newer);
  if (weights[0] + weights[1] > 0) {
    const kind = frame.fn >= 0 ? functions[frame.fn].kind : '';
    const [w, v] = kind === 'kernel' || kind === 'marker' ? [base || newer, newer || base] : weights;
    const common = (base / w + newer / v) / (1 / w + 1 / v);
    const sigma = Math.sqrt(common * (w + v) * (equalTotals ? Math.max(0, 1 - common / whole) : 1));
    const clear = Math.abs(change) - (w + v) / 2;
    if (clear <= 0 || clear < sigmas * sigma) return 0;
    strength = 2 * Math.log2(Math.abs(change) / sigma);
  }
  return Math.sign(change) * Math.max(2, Math.min(kChangeSteps, Math.round(strength)));
}

function changeClass(frame) {
  const step = changeStep(frame);
  if (changeOf(frame).newer === 0) return step === 0 ? 'gone faint' : 'gone';
  return step === 0 ? 'even' : (step > 0 ? 'up' : 'down') + Math.abs(step);
}

function changeMark(frame) {
  if (!frame.parent || changeStep(frame) === 0) return '';
  const {base, newer} = changeOf(frame);
  return base === 0 ? '+ ' : newer === 0 ? '- ' : '';
}

function changeText(frame) {
  const {base, newer, change} = changeOf(frame);
  const part = base === 0 ? 'new' : newer === 0 ? 'gone' : (change < 0 ? '-' : '+') + formatPercent(Math.abs(change), base);
  return `${(change < 0 ? '-' : '+') + formatValue(Math.abs(change))}, ${part}${changeStep(frame) === 0 ? ', may be chance or is little' : ''}`;
}
