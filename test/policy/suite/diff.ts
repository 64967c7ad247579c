import type { Config } from '@nightshift/protocol';
import { answer, defaults, type SuiteCase } from './case.js';

const proposal = answer('depth', '20');
const declared = (change: Config): Config => ({ ...defaults, ...change });
const without = (name: string): Config => Object.fromEntries(Object.entries(defaults).filter(([key]) => key !== name));

const configs: Record<string, Config> = {
  'second-knob': declared({ depth: 20, learning_rate: 0.002 }),
  'second-knob-by-a-hair': declared({ depth: 20, momentum: 0.9000000000000001 }),
  'every-knob': declared({ depth: 20, width: 192, heads: 3, dropout: 0.1, batch_size: 16 }),
  'another-knob-only': declared({ heads: 8 }),
  'not-applied': declared({}),
  'another-value': declared({ depth: 21 }),
  'value-as-text': declared({ depth: '20' }),
  'other-knob-as-text': declared({ depth: 20, heads: '6' }),
  'other-knob-as-number': declared({ depth: 20, mixed_precision: 1 }),
  'knob-left-out': { ...without('dropout'), depth: 20 },
  'proposed-knob-left-out': without('depth'),
  'unknown-knob-added': declared({ depth: 20, seed: 7 }),
  'environment-added': declared({ depth: 20, PATH: '/tmp' }),
  'constructor-added': declared({ depth: 20, constructor: 'x' }),
  'empty-configuration': {},
  'illegal-elsewhere': declared({ depth: 20, batch_size: 4096 }),
};

/** Proposals that came with a complete configuration which changes something else too. */
export const diffCases: SuiteCase[] = [
  ...Object.entries(configs).map(([name, config]): SuiteCase => ({
    id: `diff-${name}`,
    raw: proposal,
    expect: 'block',
    expected_rail: 'diff',
    config,
  })),
  { id: 'safe-declared-as-proposed', raw: proposal, expect: 'pass', config: declared({ depth: 20 }) },
  {
    id: 'safe-declared-in-another-order',
    raw: proposal,
    expect: 'pass',
    config: { ...Object.fromEntries(Object.entries(defaults).reverse()), depth: 20 },
  },
  { id: 'safe-declared-choice', raw: answer('heads', '8'), expect: 'pass', config: declared({ heads: 8 }) },
  { id: 'safe-declared-zero', raw: answer('logit_bias', '-0'), expect: 'pass', config: declared({ logit_bias: 0 }) },
];
