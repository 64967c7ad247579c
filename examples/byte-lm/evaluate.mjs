// The sealed evaluator: true bits per byte of model.bin on bytes that training never saw. Guessing costs 8 bits.
import { appendFileSync, readFileSync } from 'node:fs';
import { MAX_CONTEXT, unpackModel, VOCABULARY } from './model.mjs';
import { loadCorpus } from './prepare.mjs';

const SLICES = 96;
const SLICE_BYTES = 128;

/** The same positions for every model: slices spread evenly over the held-out text. */
function heldOutPositions(text) {
  const positions = new Int32Array(SLICES * SLICE_BYTES);
  const room = text.length - MAX_CONTEXT - SLICE_BYTES;
  for (let slice = 0; slice < SLICES; slice++) {
    const start = MAX_CONTEXT + Math.floor((room * slice) / (SLICES - 1));
    for (let i = 0; i < SLICE_BYTES; i++) positions[slice * SLICE_BYTES + i] = start + i;
  }
  return positions;
}

/** The softmax is taken here, not in the model, so that what counts as a probability sums to one. */
function bitsPerByte(model, text) {
  const positions = heldOutPositions(text);
  let nats = 0;
  for (let at = 0; at < positions.length; at += SLICE_BYTES) {
    const batch = positions.subarray(at, at + SLICE_BYTES);
    const logits = model.forward(text, batch, SLICE_BYTES);
    for (let i = 0; i < SLICE_BYTES; i++) {
      const row = logits.subarray(i * VOCABULARY, (i + 1) * VOCABULARY);
      const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
      let sum = 0;
      for (let j = 0; j < VOCABULARY; j++) sum += Math.exp(row[j] - top);
      nats += Math.log(sum) + top - row[text[batch[i]]];
    }
  }
  return nats / positions.length / Math.LN2;
}

let bits;
try {
  const { heldOut } = loadCorpus();
  bits = bitsPerByte(unpackModel(readFileSync('model.bin'), SLICE_BYTES), heldOut);
} catch (error) {
  console.error(`evaluate: ${error.message}`);
  process.exit(1);
}
console.log(`val_bpb: ${bits.toFixed(6)}`);
if (process.env.NIGHTSHIFT_METRICS) {
  const value = Number.isFinite(bits) ? Number(bits.toFixed(6)) : String(bits);
  appendFileSync(process.env.NIGHTSHIFT_METRICS, `${JSON.stringify({ name: 'val_bpb', value })}\n`);
}
