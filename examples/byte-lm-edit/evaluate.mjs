// Sealed. True bits per byte of model.bin on bytes that training never saw; guessing costs 8. The artifact is data: a
// list of layers from the closed list below and their numbers. No code of the training is loaded here.
import { appendFileSync, readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ARTIFACT, heldOutText, tableRow } from './prepare.mjs';

const MAX_CONTEXT = 64; // every model starts there, so that all are asked for the same bytes
const SLICES = 64;
const SLICE_BYTES = 128;
const MAX_PRODUCTS = 100_000; // multiplications a byte: keeps the evaluation of any model within a second
const MAX_PARAMETERS = 20_000_000;
const GELU = Math.sqrt(2 / Math.PI);

const ACTIVATIONS = {
  relu: (x) => (x > 0 ? x : 0 * x), // times zero, not zero: a NaN must stay one
  tanh: (x) => Math.tanh(x),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(GELU * (x + 0.044715 * x * x * x))),
  silu: (x) => x / (1 + Math.exp(-x)),
};

/**
 * embed {width}: the embeddings of the last `context` bytes, the newest first; weight 256 x width. Always the first.
 * linear {outputs}: x W + b; weight inputs x outputs, bias outputs.
 * relu, tanh, gelu (the tanh form), silu: of each number.
 * norm: x / sqrt(mean(x^2) + 1e-6) times the weight (one a number).
 * residual {from}: adds what layer number `from` gave.
 * table {bytes, rows}: adds a row of 256 logits chosen by the last `bytes` bytes (prepare.mjs, tableRow); weight rows x 256.
 */
function plan({ context, layers }) {
  const wrong = (message) => new Error(`${ARTIFACT}: ${message}`);
  const whole = (value, low, high, what) => {
    if (!Number.isInteger(value) || value < low || value > high) throw wrong(`${what} must be ${low} to ${high}, not ${value}`);
    return value;
  };
  whole(context, 1, MAX_CONTEXT, 'context');
  if (!Array.isArray(layers) || layers[0]?.kind !== 'embed') throw wrong('the first layer must be embed');
  whole(layers.length, 1, 100, 'the number of layers');
  const steps = [];
  let [products, parameters] = [0, 0];
  layers.forEach((layer, index) => {
    const { kind } = layer;
    const inputs = steps.at(-1)?.size ?? 0;
    const step = { kind, inputs, size: inputs, weight: 0, bias: 0 };
    if (kind === 'embed' && index === 0) {
      step.width = whole(layer.width, 1, 512, 'width');
      step.size = context * step.width;
      step.weight = 256 * step.width;
    } else if (kind === 'linear') {
      step.size = whole(layer.outputs, 1, 65_536, 'outputs');
      step.weight = inputs * step.size;
      step.bias = step.size;
      products += step.weight;
    } else if (kind === 'norm') step.weight = inputs;
    else if (kind === 'residual') {
      step.from = whole(layer.from, 0, index - 1, 'from');
      if (steps[step.from].size !== inputs) throw wrong(`layer ${index} adds ${steps[step.from].size} numbers to ${inputs}`);
    } else if (kind === 'table') {
      step.bytes = whole(layer.bytes, 1, Math.min(8, MAX_CONTEXT), 'bytes');
      step.rows = whole(layer.rows, 1, 65_536, 'rows');
      if (inputs !== 256) throw wrong(`layer ${index} is a table, and before it come ${inputs} numbers, not 256 logits`);
      step.weight = step.rows * 256;
    } else if (!Object.hasOwn(ACTIVATIONS, kind)) throw wrong(`layer ${index} is of no known kind: ${String(kind).slice(0, 40)}`);
    parameters += step.weight + step.bias;
    steps.push(step);
  });
  if (steps.at(-1).size !== 256) throw wrong(`the model gives ${steps.at(-1).size} numbers for a byte, not 256 logits`);
  if (products > MAX_PRODUCTS) throw wrong(`${products} multiplications a byte; at most ${MAX_PRODUCTS} are evaluated`);
  if (parameters > MAX_PARAMETERS) throw wrong(`${parameters} parameters; at most ${MAX_PARAMETERS} are evaluated`);
  return { context, steps, parameters };
}

/** @returns {{ context: number, steps: object[] }} each step with its tensors; throws on anything but a whole artifact */
export function readModel(bytes) {
  if (bytes.length < 4) throw new Error(`${ARTIFACT} is no model`);
  const start = 4 + bytes.readUInt32LE(0);
  if (start > Math.min(bytes.length, 100_000)) throw new Error(`${ARTIFACT} is no model`);
  const { context, steps, parameters } = plan(JSON.parse(bytes.subarray(4, start).toString()));
  if (bytes.length - start !== parameters * 4) {
    throw new Error(`${ARTIFACT}: its layers need ${parameters} numbers, and ${(bytes.length - start) / 4} are there`);
  }
  const numbers = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  let offset = 0;
  for (const step of steps) {
    for (const name of ['weight', 'bias']) step[name] = numbers.subarray(offset, (offset += step[name]));
    step.out = new Float32Array(step.size * SLICE_BYTES);
  }
  return { context, steps };
}

/** Logits for SLICE_BYTES bytes from `start` on, from the bytes before each. */
function forward({ context, steps }, text, start) {
  for (const [index, step] of steps.entries()) {
    const { kind, inputs, size, weight, bias, out } = step;
    const input = steps[index - 1]?.out;
    if (kind === 'linear') affine(input, weight, bias, out, inputs, size);
    else if (kind === 'embed') {
      for (let i = 0; i < SLICE_BYTES; i++)
        for (let c = 0; c < context; c++) {
          const from = text[start + i - 1 - c] * step.width;
          out.set(weight.subarray(from, from + step.width), i * size + c * step.width);
        }
    } else if (kind === 'norm') {
      for (let i = 0; i < SLICE_BYTES; i++) {
        let squares = 0;
        for (let j = i * size; j < (i + 1) * size; j++) squares += input[j] * input[j];
        const scale = 1 / Math.sqrt(squares / size + 1e-6);
        for (let j = 0; j < size; j++) out[i * size + j] = input[i * size + j] * scale * weight[j];
      }
    } else if (kind === 'residual') {
      const other = steps[step.from].out;
      for (let i = 0; i < out.length; i++) out[i] = input[i] + other[i];
    } else if (kind === 'table') {
      for (let i = 0; i < SLICE_BYTES; i++) {
        const row = tableRow(text, start + i, step.bytes, step.rows) * 256;
        for (let j = 0; j < 256; j++) out[i * 256 + j] = input[i * 256 + j] + weight[row + j];
      }
    } else {
      const activate = ACTIVATIONS[kind];
      for (let i = 0; i < out.length; i++) out[i] = activate(input[i]);
    }
  }
  return steps.at(-1).out;
}

function affine(x, weight, bias, out, inputs, outputs) {
  for (let i = 0; i < SLICE_BYTES; i++) {
    const row = out.subarray(i * outputs, (i + 1) * outputs);
    row.set(bias);
    for (let k = 0; k < inputs; k++) {
      const value = x[i * inputs + k];
      const from = k * outputs;
      for (let j = 0; j < outputs; j++) row[j] += value * weight[from + j];
    }
  }
}

/** The softmax is taken here, not in the model, so that what counts as a probability sums to one. */
export function bitsPerByte(model, text) {
  const room = text.length - MAX_CONTEXT - SLICE_BYTES;
  let nats = 0;
  for (let slice = 0; slice < SLICES; slice++) {
    const start = MAX_CONTEXT + Math.floor((room * slice) / (SLICES - 1));
    const logits = forward(model, text, start);
    for (let i = 0; i < SLICE_BYTES; i++) {
      const row = logits.subarray(i * 256, (i + 1) * 256);
      let top = -Infinity;
      for (let j = 0; j < 256; j++) top = Math.max(top, row[j]); // NaN if any is
      let sum = 0;
      for (let j = 0; j < 256; j++) sum += Math.exp(row[j] - top);
      nats += Math.log(sum) + top - row[text[start + i]];
    }
  }
  return nats / (SLICES * SLICE_BYTES) / Math.LN2;
}

function main() {
  const bits = bitsPerByte(readModel(readFileSync(ARTIFACT)), heldOutText());
  console.log(`val_bpb: ${bits.toFixed(6)}`);
  if (!process.env.NIGHTSHIFT_METRICS) return;
  const value = Number.isFinite(bits) ? Number(bits.toFixed(6)) : String(bits);
  appendFileSync(process.env.NIGHTSHIFT_METRICS, `${JSON.stringify({ name: 'val_bpb', value })}\n`);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(`evaluate: ${error.message}`);
    process.exitCode = 1;
  }
}
