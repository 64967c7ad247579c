import { parseMenu, type Config } from '@nightshift/protocol';
import type { Measurement, Objective } from './objectives.js';

const menu = parseMenu({
  knobs: {
    n_layer: { type: 'int', range: [4, 48], default: 24, doc: 'transformer blocks' },
    n_head: { type: 'int', choices: [4, 8, 16, 32], default: 16, doc: 'attention heads' },
    d_model: { type: 'int', choices: [256, 512, 768, 1024, 1536, 2048], default: 1024, doc: 'width' },
    d_ff: { type: 'int', choices: [1024, 2048, 4096, 6144, 8192], default: 4096, doc: 'feed-forward width' },
    lr: { type: 'float', range: [1e-5, 1e-2], default: 3e-4, doc: 'peak learning rate' },
    lr_warmup: { type: 'int', range: [0, 50], default: 5, doc: 'warm-up steps' },
    grad_clip: { type: 'float', range: [0.1, 5], default: 1, doc: 'gradient norm limit' },
    weight_decay: { type: 'float', range: [0, 0.5], default: 0, doc: 'weight decay' },
    beta1: { type: 'float', range: [0.5, 0.99], default: 0.9, doc: 'first-moment decay' },
    beta2: { type: 'float', range: [0.8, 0.9999], default: 0.95, doc: 'second-moment decay' },
    batch_size: { type: 'int', choices: [2, 4, 8, 16], default: 16, doc: 'sequences a step' },
    seq_len: { type: 'int', choices: [512, 1024, 2048], default: 1024, doc: 'tokens a sequence' },
    precision: { type: 'str', choices: ['bf16', 'fp8'], default: 'fp8', doc: 'compute precision' },
  },
  constraints: [
    { id: 'head_divides_model', rule: 'd_model % n_head == 0' },
    { id: 'warmup_leaves_main_steps', rule: 'lr_warmup + 5 <= 30' },
  ],
});

/** Weights of the transformer's blocks. */
export function parametersOf(config: Config): number {
  const n = (name: string) => Number(config[name]);
  return n('n_layer') * (4 * n('d_model') ** 2 + 2 * n('d_model') * n('d_ff'));
}

const MEMORY_GB = 60;
const LEAST_STEPS = 9;
const square = (x: number) => x * x;

/**
 * Bits per byte after a fixed time of training, in the shape that scaling laws and tuning folklore give it: capacity and tokens seen
 * pull the size both ways (Hoffmann and others 2022), the best learning rate falls with width and depth and rises with the batch,
 * warm-up and clipping matter more near the edge of divergence, wide heads and matched ratios help a little.
 */
function measure(config: Config): Measurement {
  const n = (name: string) => Number(config[name]);
  const [layers, heads, width, ff] = [n('n_layer'), n('n_head'), n('d_model'), n('d_ff')];
  const [lr, warmup, clip] = [n('lr'), n('lr_warmup'), n('grad_clip')];
  const isFp8 = config['precision'] === 'fp8';
  const stepTokens = n('batch_size') * n('seq_len');

  const parameters = parametersOf(config);
  const activations = layers * stepTokens * (20 * width + 3.5 * ff);
  const attention = layers * n('batch_size') * heads * square(n('seq_len')) * 0.3;
  const gigabytes = (16 * parameters + activations + attention) / 1e9;
  if (gigabytes > MEMORY_GB) return { failure: 'oom' };

  const efficiency =
    (1 - 0.5 * Math.exp(-width / 350)) *
    (stepTokens / (stepTokens + 4096)) *
    (isFp8 && width >= 768 ? 1.35 : 1) *
    (width / heads < 64 ? 0.85 : 1);
  const cost = parameters + 2 * layers * width * n('seq_len');
  const tokens = (efficiency / cost) * TOKENS_PER_EFFICIENCY;
  const steps = 30 * tokens * (16384 / stepTokens);
  if (steps < LEAST_STEPS) return { failure: 'timeout' };

  const bestLr = 1.3e-3 * (width / 1024) ** -0.6 * (layers / 24) ** -0.3 * Math.sqrt(stepTokens / 16384);
  const heat = Math.log(lr / bestLr);
  const edge = 1.6 - 0.35 * Math.log(clip) + 0.03 * warmup - (isFp8 ? 0.2 : 0) - 0.4 * Math.log(n('beta1') / 0.9);
  if (heat > edge) return { failure: 'diverged' };

  const value =
    8.3 +
    1.1 * (parameters / 3e8) ** -0.12 +
    1.3 * tokens ** -0.25 +
    (heat > 0 ? 0.16 : 0.09) * square(heat) +
    0.0006 * square(warmup - (3 + 4 * Math.max(0, heat + 1))) +
    0.03 * square(Math.log(clip / (heat > 0 ? 0.6 : 1.2))) +
    0.4 * square(n('weight_decay') - (0.08 + 0.06 * Math.max(0, Math.log(steps / 30)))) +
    0.02 * square(Math.log((1 - n('beta1')) / 0.11)) +
    0.015 * square(Math.log((1 - n('beta2')) / (0.045 * Math.sqrt(stepTokens / 16384)))) +
    0.015 * square(Math.log2(width / heads / 80)) +
    0.02 * square(Math.log(ff / (3.2 * width))) +
    0.012 * square(Math.log(width / layers / 50)) +
    0.035 * square(Math.max(0, Math.log(stepTokens / 6000))) +
    0.05 * square(Math.min(0, Math.log(stepTokens / 3000))) -
    0.06 * Math.log2(n('seq_len') / 1024) +
    (isFp8 ? 0.015 + 0.04 * Math.max(0, heat + 0.5) + 0.06 * Math.exp(-width / 400) : 0);
  return { value };
}

// The default configuration sees one unit of tokens in its thirty steps.
const TOKENS_PER_EFFICIENCY =
  (24 * (4 * 1024 * 1024 + 2 * 1024 * 4096) + 2 * 24 * 1024 * 1024) /
  ((1 - 0.5 * Math.exp(-1024 / 350)) * (16384 / 20480) * 1.35);

export const gptSurrogate: Objective = {
  name: 'gpt-surrogate',
  goal: 'minimize',
  menu,
  relativeNoise: 0.0018,
  measure,
};
