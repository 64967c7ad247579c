// A neural language model over bytes, its optimizer and its training loop. This is the file to edit; prepare.mjs (text,
// clock, seed, artifact) and evaluate.mjs (the metric) are sealed. program.md says what the evaluator can run.
import { report, saveModel, startTraining } from './prepare.mjs';

const CONTEXT = 4; // bytes that the model sees
const EMBED = 8; // width of a byte's embedding
const HIDDEN = 32; // width of the hidden layer
const BATCH = 32; // bytes predicted in a step
const RATE = 0.1; // learning rate
const INPUTS = CONTEXT * EMBED;

const { text, random, progress } = startTraining();

/** A tensor of uniform random numbers and room for its gradient. */
function parameter(size, scale) {
  const value = new Float32Array(size);
  for (let i = 0; i < size; i++) value[i] = (2 * random() - 1) * scale;
  return { value, gradient: new Float32Array(size) };
}

const embedding = parameter(256 * EMBED, 0.1);
const weight1 = parameter(INPUTS * HIDDEN, 0.1);
const bias1 = parameter(HIDDEN, 0);
const weight2 = parameter(HIDDEN * 256, 0.1);
const bias2 = parameter(256, 0);
const parameters = [embedding, weight1, bias1, weight2, bias2];

const input = new Float32Array(BATCH * INPUTS);
const before = new Float32Array(BATCH * HIDDEN); // of the activation
const hidden = new Float32Array(BATCH * HIDDEN);
const logits = new Float32Array(BATCH * 256); // then their gradient
const dHidden = new Float32Array(BATCH * HIDDEN);
const dInput = new Float32Array(BATCH * INPUTS);

/** out (rows x outputs) = x (rows x inputs) times weight (inputs x outputs), plus bias. */
function affine(x, weight, bias, out, inputs, outputs) {
  for (let i = 0; i < BATCH; i++) {
    const to = i * outputs;
    for (let j = 0; j < outputs; j++) out[to + j] = bias[j];
    for (let k = 0; k < inputs; k++) {
      const factor = x[i * inputs + k];
      const from = k * outputs;
      for (let j = 0; j < outputs; j++) out[to + j] += factor * weight[from + j];
    }
  }
}

/** From the gradient of an affine map's output those of its weight, its bias and its input. */
function affineBackward(x, dOut, weight, bias, dX, inputs, outputs) {
  weight.gradient.fill(0);
  bias.gradient.fill(0);
  for (let i = 0; i < BATCH; i++) {
    const at = i * outputs;
    for (let j = 0; j < outputs; j++) bias.gradient[j] += dOut[at + j];
    for (let k = 0; k < inputs; k++) {
      const factor = x[i * inputs + k];
      const from = k * outputs;
      let sum = 0;
      for (let j = 0; j < outputs; j++) {
        weight.gradient[from + j] += factor * dOut[at + j];
        sum += weight.value[from + j] * dOut[at + j];
      }
      dX[i * inputs + k] = sum;
    }
  }
}

function forward(positions) {
  for (let i = 0; i < BATCH; i++)
    for (let c = 0; c < CONTEXT; c++) {
      const from = text[positions[i] - 1 - c] * EMBED;
      for (let e = 0; e < EMBED; e++) input[i * INPUTS + c * EMBED + e] = embedding.value[from + e];
    }
  affine(input, weight1.value, bias1.value, before, INPUTS, HIDDEN);
  for (let i = 0; i < before.length; i++) hidden[i] = Math.tanh(before[i]);
  affine(hidden, weight2.value, bias2.value, logits, HIDDEN, 256);
}

/** Turns logits into the gradient of the mean cross-entropy, which is returned, in nats a byte. */
function crossEntropy(positions) {
  let loss = 0;
  for (let i = 0; i < BATCH; i++) {
    const row = i * 256;
    let top = -Infinity;
    for (let j = 0; j < 256; j++) if (!(logits[row + j] <= top)) top = logits[row + j];
    const target = row + text[positions[i]];
    loss += top - logits[target];
    let sum = 0;
    for (let j = 0; j < 256; j++) sum += logits[row + j] = Math.exp(logits[row + j] - top);
    loss += Math.log(sum);
    for (let j = 0; j < 256; j++) logits[row + j] /= sum * BATCH;
    logits[target] -= 1 / BATCH;
  }
  return loss / BATCH;
}

function backward(positions) {
  affineBackward(hidden, logits, weight2, bias2, dHidden, HIDDEN, 256);
  for (let i = 0; i < dHidden.length; i++) dHidden[i] *= 1 - hidden[i] * hidden[i];
  affineBackward(input, dHidden, weight1, bias1, dInput, INPUTS, HIDDEN);
  embedding.gradient.fill(0);
  for (let i = 0; i < BATCH; i++)
    for (let c = 0; c < CONTEXT; c++) {
      const to = text[positions[i] - 1 - c] * EMBED;
      for (let e = 0; e < EMBED; e++) embedding.gradient[to + e] += dInput[i * INPUTS + c * EMBED + e];
    }
}

/** Plain gradient descent. */
function update(rate) {
  for (const { value, gradient } of parameters) {
    for (let i = 0; i < value.length; i++) value[i] -= rate * gradient[i];
  }
}

const positions = new Int32Array(BATCH);
let step = 0;
for (let done = progress(); done < 1; done = progress()) {
  for (let i = 0; i < BATCH; i++) positions[i] = CONTEXT + Math.floor(random() * (text.length - CONTEXT));
  forward(positions);
  const loss = crossEntropy(positions);
  backward(positions);
  update(RATE);
  report(++step, loss);
}

saveModel(CONTEXT, [
  { kind: 'embed', width: EMBED, weight: embedding.value },
  { kind: 'linear', outputs: HIDDEN, weight: weight1.value, bias: bias1.value },
  { kind: 'tanh' },
  { kind: 'linear', outputs: 256, weight: weight2.value, bias: bias2.value },
]);
