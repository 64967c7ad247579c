// The knobs of a run: NIGHTSHIFT_CONFIG names a JSON file with a value for each.
import { readFileSync } from 'node:fs';

/** The same values as the defaults in nightshift.yaml, for a run by hand. */
export const DEFAULTS = {
  lr: 0.001,
  beta1: 0.9,
  beta2: 0.999,
  weight_decay: 0.1,
  grad_clip: 1.0,
  warmup_fraction: 0.05,
  schedule: 'constant',
  batch_size: 64,
  context: 8,
  embed_dim: 16,
  hidden: 128,
  depth: 1,
  activation: 'tanh',
  init_scale: 1.0,
  dropout: 0.0,
};

export function readConfig() {
  const path = process.env.NIGHTSHIFT_CONFIG;
  const given = path ? JSON.parse(readFileSync(path, 'utf8')) : {};
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULTS, name)) throw new Error(`${path}: unknown knob ${name}`);
    if (typeof value !== typeof DEFAULTS[name]) throw new Error(`${path}: ${name} must be a ${typeof DEFAULTS[name]}`);
  }
  return { ...DEFAULTS, ...given };
}
