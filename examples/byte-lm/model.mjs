// A byte-level language model: an MLP over the embeddings of the last `context` bytes, with residual hidden layers.
// Forward and backward passes are written out by hand; gradient.test.mjs compares them with finite differences.
import { createSimdKernel } from './kernel.mjs';

export const VOCABULARY = 256;
/** The longest context the menu allows; every model starts there, so that all are asked for the same bytes. */
export const MAX_CONTEXT = 32;

/** Uniform numbers in [0, 1) from a 32-bit seed (mulberry32). */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const GELU = Math.sqrt(2 / Math.PI);

/** tanh to float32 precision; Math.tanh takes several times as long. */
function tanh(x) {
  if (x > 10) return 1;
  if (x < -10) return -1;
  const e = Math.exp(2 * x);
  return (e - 1) / (e + 1);
}

/** value[i] = f(value[i]) in place, slope[i] = f'(what value[i] was). */
function activate(kind, value, slope, length) {
  if (kind === 'relu') {
    for (let i = 0; i < length; i++) {
      slope[i] = value[i] > 0 ? 1 : 0;
      if (!(value[i] > 0)) value[i] *= 0; // times zero, not zero: a NaN must stay one
    }
  } else if (kind === 'tanh') {
    for (let i = 0; i < length; i++) {
      const t = tanh(value[i]);
      value[i] = t;
      slope[i] = 1 - t * t;
    }
  } else if (kind === 'gelu') {
    for (let i = 0; i < length; i++) {
      const x = value[i];
      const t = tanh(GELU * (x + 0.044715 * x * x * x));
      value[i] = 0.5 * x * (1 + t);
      slope[i] = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU * (1 + 0.134145 * x * x);
    }
  } else throw new Error(`activation ${kind} is not relu, gelu or tanh`);
}

/** The parameters in the order in which they lie in the flat array. Weights are stored inputs by outputs. */
function layout({ context, embed_dim, hidden, depth }) {
  const tensors = [{ name: 'embedding', rows: VOCABULARY, columns: embed_dim, decays: false }];
  for (let layer = 0; layer <= depth; layer++) {
    const columns = layer === depth ? VOCABULARY : hidden;
    tensors.push({ name: `weight${layer}`, rows: layer === 0 ? context * embed_dim : hidden, columns, decays: true });
    tensors.push({ name: `bias${layer}`, rows: 1, columns, decays: false });
  }
  let offset = 0;
  for (const tensor of tensors) {
    tensor.offset = offset;
    offset += tensor.rows * tensor.columns;
  }
  return { tensors, size: offset };
}

/**
 * @param config knobs: context, embed_dim, hidden, depth, activation, init_scale, dropout, batch_size;
 *   embed_dim and hidden are multiples of 8, batch_size of 4
 * @param kernel where arrays come from and products are taken (kernel.mjs)
 */
export function createModel(config, seed = 0, kernel = createSimdKernel()) {
  const { context, embed_dim: width, hidden, depth, activation, dropout, batch_size: capacity } = config;
  const { alloc, multiply } = kernel;
  const { tensors, size } = layout(config);
  const theta = alloc(size);
  const gradient = alloc(size);
  const view = (array, name) => {
    const { offset, rows, columns } = tensors.find((tensor) => tensor.name === name);
    return array.subarray(offset, offset + rows * columns);
  };
  const inputs = context * width;
  const embedding = view(theta, 'embedding');
  const embeddingGradient = view(gradient, 'embedding');
  const layers = Array.from({ length: depth + 1 }, (_, index) => {
    const from = index === 0 ? inputs : hidden;
    const to = index === depth ? VOCABULARY : hidden;
    return {
      from,
      to,
      weight: view(theta, `weight${index}`),
      bias: view(theta, `bias${index}`),
      weightGradient: view(gradient, `weight${index}`),
      biasGradient: view(gradient, `bias${index}`),
      transposed: alloc(from * to),
      before: alloc(capacity * to), // what the affine map gives; then its gradient
      slope: alloc(capacity * to), // derivative of the activation, times the dropout mask
      after: alloc(capacity * to), // what the next layer reads
    };
  });
  const last = layers[depth];
  const logits = last.before;
  const input = alloc(capacity * inputs);
  const dInput = alloc(capacity * inputs);
  const dHidden = alloc(capacity * hidden);
  const dBranch = alloc(capacity * hidden);

  const random = randomFrom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  for (const { name, offset, rows, columns } of tensors) {
    if (name.startsWith('bias')) continue;
    const gain = name === `weight${depth}` ? 0.5 : activation === 'tanh' ? 1 : Math.SQRT2;
    const deviation = name === 'embedding' ? 0.5 : (config.init_scale * gain) / Math.sqrt(rows);
    for (let i = 0; i < rows * columns; i++) theta[offset + i] = normal() * deviation;
  }

  function affine(read, layer, count) {
    const { from, to, before, bias } = layer;
    multiply(read, from, 1, layer.weight, before, count, to, from);
    for (let i = 0; i < count; i++) for (let j = 0; j < to; j++) before[i * to + j] += bias[j];
  }

  /** Logits for the byte at each position from the bytes before it; `count` is a multiple of 4, at most batch_size. */
  function forward(text, positions, count, mask) {
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < context; c++) {
        const from = text[positions[i] - 1 - c] * width;
        const to = i * inputs + c * width;
        for (let e = 0; e < width; e++) input[to + e] = embedding[from + e];
      }
    }
    let previous = input;
    for (let index = 0; index < depth; index++) {
      const layer = layers[index];
      const { before, slope, after } = layer;
      const length = count * hidden;
      affine(previous, layer, count);
      activate(activation, before, slope, length);
      if (mask !== undefined && dropout > 0) {
        const keep = 1 / (1 - dropout);
        for (let i = 0; i < length; i++) {
          const factor = mask() < dropout ? 0 : keep;
          before[i] *= factor;
          slope[i] *= factor;
        }
      }
      if (index === 0) after.set(before);
      else for (let i = 0; i < length; i++) after[i] = before[i] + previous[i];
      previous = after;
    }
    affine(previous, last, count);
    return logits;
  }

  /** From the gradient in `layer.before` those of its parameters and, in `dRead`, of what it read. */
  function affineBackward(read, layer, count, dRead) {
    const { from, to, before, biasGradient, weight, transposed } = layer;
    multiply(read, 1, from, before, layer.weightGradient, from, to, count);
    biasGradient.fill(0);
    for (let i = 0; i < count; i++) for (let j = 0; j < to; j++) biasGradient[j] += before[i * to + j];
    for (let i = 0; i < from; i++) for (let j = 0; j < to; j++) transposed[j * from + i] = weight[i * to + j];
    multiply(before, to, 1, transposed, dRead, count, from, to);
  }

  /** Turns logits into the gradient of the mean cross-entropy, which it returns, in nats. */
  function crossEntropy(text, positions, count) {
    let loss = 0;
    for (let i = 0; i < count; i++) {
      const row = i * VOCABULARY;
      let top = -Infinity;
      for (let j = 0; j < VOCABULARY; j++) if (!(logits[row + j] <= top)) top = logits[row + j];
      const target = row + text[positions[i]];
      loss += top - logits[target];
      let sum = 0;
      for (let j = 0; j < VOCABULARY; j++) {
        const e = Math.exp(logits[row + j] - top);
        logits[row + j] = e;
        sum += e;
      }
      loss += Math.log(sum);
      const scale = 1 / (sum * count);
      for (let j = 0; j < VOCABULARY; j++) logits[row + j] *= scale;
      logits[target] -= 1 / count;
    }
    return loss / count;
  }

  /** Mean cross-entropy in nats of the bytes at `positions`; leaves its gradient in `gradient`. */
  function lossAndGradient(text, positions, mask) {
    const count = positions.length;
    forward(text, positions, count, mask);
    const loss = crossEntropy(text, positions, count);
    affineBackward(layers[depth - 1].after, last, count, dHidden);
    for (let index = depth - 1; index >= 0; index--) {
      const layer = layers[index];
      const length = count * hidden;
      for (let i = 0; i < length; i++) layer.before[i] = dHidden[i] * layer.slope[i];
      if (index === 0) affineBackward(input, layer, count, dInput);
      else {
        affineBackward(layers[index - 1].after, layer, count, dBranch);
        for (let i = 0; i < length; i++) dHidden[i] += dBranch[i];
      }
    }
    embeddingGradient.fill(0);
    for (let i = 0; i < count; i++) {
      for (let c = 0; c < context; c++) {
        const to = text[positions[i] - 1 - c] * width;
        const from = i * inputs + c * width;
        for (let e = 0; e < width; e++) embeddingGradient[to + e] += dInput[from + e];
      }
    }
    return loss;
  }

  return { config, tensors, theta, gradient, forward, lossAndGradient };
}

/** A checkpoint: length of the header as uint32, the configuration as JSON, then the parameters as float32. */
export function packModel({ config, theta }) {
  const header = Buffer.from(JSON.stringify(config));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([length, header, Buffer.from(theta.buffer, theta.byteOffset, theta.byteLength)]);
}

export function unpackModel(bytes, batchSize) {
  const start = 4 + bytes.readUInt32LE(0);
  const model = createModel({ ...JSON.parse(bytes.subarray(4, start).toString()), batch_size: batchSize });
  const { buffer, byteOffset, byteLength } = model.theta;
  if (bytes.length - start !== byteLength) throw new Error('the checkpoint and its configuration differ in size');
  Buffer.from(buffer, byteOffset, byteLength).set(bytes.subarray(start));
  return model;
}
