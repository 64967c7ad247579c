// Trains for NIGHTSHIFT_BUDGET_SECONDS of wall time, start-up included, and leaves model.bin in the working directory.
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { readConfig } from './config.mjs';
import { createModel, MAX_CONTEXT, packModel, randomFrom } from './model.mjs';
import { loadCorpus } from './prepare.mjs';

const EPSILON = 1e-8;
/** A smoothed loss beyond this does not come back within the budget. Nats a byte; guessing costs 5.55. */
const DIVERGED_LOSS = 20;
/** Left of the budget for writing the checkpoint and leaving; too little and a busy box cuts the process off. */
const RESERVE_MS = 250;
const REPORT_EVERY_MS = 500;

/** Share of the peak learning rate when `done` (0 to 1) of the budget has passed. */
function rateAt(done, { schedule, warmup_fraction: warmup }) {
  if (done < warmup) return done / warmup;
  const rest = Math.min(1, (done - warmup) / (1 - warmup));
  if (schedule === 'constant') return 1;
  if (schedule === 'linear') return 1 - rest;
  if (schedule === 'cosine') return 0.5 * (1 + Math.cos(Math.PI * rest));
  throw new Error(`schedule ${schedule} is not constant, cosine or linear`);
}

/** AdamW (Loshchilov and Hutter): decay is applied to the weights, not through the moments; biases do not decay. */
function createAdamW(model, { beta1, beta2, weight_decay: decay, grad_clip: clip }) {
  const { theta, gradient, tensors } = model;
  const first = new Float32Array(theta.length);
  const second = new Float32Array(theta.length);
  let steps = 0;
  return (rate) => {
    steps++;
    let squares = 0;
    for (let i = 0; i < gradient.length; i++) squares += gradient[i] * gradient[i];
    const norm = Math.sqrt(squares);
    const scale = clip > 0 && norm > clip ? clip / norm : 1;
    const correction1 = 1 - beta1 ** steps;
    const correction2 = 1 - beta2 ** steps;
    for (const { offset, rows, columns, decays } of tensors) {
      const keep = decays ? 1 - rate * decay : 1;
      const end = offset + rows * columns;
      for (let i = offset; i < end; i++) {
        const g = gradient[i] * scale;
        const m = beta1 * first[i] + (1 - beta1) * g;
        const v = beta2 * second[i] + (1 - beta2) * g * g;
        first[i] = m;
        second[i] = v;
        theta[i] = theta[i] * keep - (rate * (m / correction1)) / (Math.sqrt(v / correction2) + EPSILON);
      }
    }
  };
}

function report(values, step) {
  const path = process.env.NIGHTSHIFT_METRICS;
  if (!path) return;
  // JSON has no NaN; null would be read as "not reported", so the word is sent as it is.
  const line = ([name, value]) => JSON.stringify({ name, value: Number.isFinite(value) ? value : String(value), step });
  appendFileSync(path, Object.entries(values).map((entry) => `${line(entry)}\n`).join(''));
}

function train() {
  rmSync('model.bin', { force: true }); // a failed training must not be judged by an earlier one's checkpoint
  const config = readConfig();
  const budgetSeconds = Number(process.env.NIGHTSHIFT_BUDGET_SECONDS || 4);
  const seed = Number(process.env.NIGHTSHIFT_SEED || 1);
  if (!(budgetSeconds > 0)) throw new Error('NIGHTSHIFT_BUDGET_SECONDS must be a number above 0');
  if (!Number.isInteger(seed)) throw new Error('NIGHTSHIFT_SEED must be an integer');
  const { train: text } = loadCorpus();
  const model = createModel(config, seed);
  const step = createAdamW(model, config);
  const random = randomFrom(seed + 0x5eed);
  const positions = new Int32Array(config.batch_size);
  console.log(`parameters ${model.theta.length}, training bytes ${text.length}, budget ${budgetSeconds} s, seed ${seed}`);

  const start = performance.now(); // counts from the start of the process
  const end = Math.max(start + 50, budgetSeconds * 1000 - RESERVE_MS);
  let steps = 0;
  let smoothed = NaN;
  let reportAt = start + REPORT_EVERY_MS;
  for (let now = start; now < end; now = performance.now()) {
    for (let i = 0; i < positions.length; i++) {
      positions[i] = MAX_CONTEXT + Math.floor(random() * (text.length - MAX_CONTEXT));
    }
    const loss = model.lossAndGradient(text, positions, random);
    steps++;
    smoothed = steps === 1 ? loss : smoothed + (loss - smoothed) * Math.max(0.02, 1 / steps);
    if (!(smoothed <= DIVERGED_LOSS)) {
      console.log(`FAIL: training loss ${smoothed} at step ${steps}`);
      report({ train_loss: smoothed }, steps);
      return 1;
    }
    step(config.lr * rateAt((now - start) / (end - start), config));
    if (now >= reportAt) {
      reportAt += REPORT_EVERY_MS;
      const tokensPerSecond = Math.round((steps * positions.length * 1000) / (now - start));
      report({ train_loss: smoothed, tokens_per_second: tokensPerSecond }, steps);
      console.log(`step ${steps}  train_loss: ${smoothed.toFixed(4)}  tokens_per_second: ${tokensPerSecond}`);
    }
  }
  report({ train_loss: smoothed, num_steps: steps, num_params: model.theta.length }, steps);
  writeFileSync('model.bin', packModel(model));
  console.log(`steps ${steps}, ${steps * positions.length} bytes seen, train_loss: ${smoothed.toFixed(4)}`);
  return 0;
}

// The loop ends by its own clock; should the runner's come first on a busy box, its INT must not cost the checkpoint.
process.on('SIGINT', () => console.log('interrupted: the checkpoint is written at the end of the budget'));

try {
  process.exitCode = train();
} catch (error) {
  console.error(`train: ${error.message}`);
  process.exitCode = 1;
}
