import { describe, expect, it } from 'vitest';
import { configKey } from '@nightshift/protocol';
import { railRepeat } from './rail-repeat.js';

const config = { lr: 0.1, heads: 2 };
const known = (key: string) => key === configKey({ heads: 2, lr: 0.1 });

describe('rail repeat', () => {
  it('passes a configuration that was not measured, under every rule', () => {
    for (const rule of ['reject', 'replicate', 'allow'] as const)
      expect(railRepeat({ ...config, lr: 0.2 }, 'lr', known, rule)).toEqual({ repeatOf: null });
  });

  it('rejects a measured one and says what came of it', () => {
    expect(railRepeat(config, 'lr', known, 'reject')).toEqual({
      problem: 'lr = 0.1 was tried already. Propose a value that was not.',
    });
    expect(railRepeat(config, 'lr', () => ({ description: 'iteration 3: reverted at 1.2' }), 'reject')).toEqual({
      problem: 'lr = 0.1 was tried already (iteration 3: reverted at 1.2). Propose a value that was not.',
    });
  });

  it('books a replicate with the key of what it repeats', () => {
    expect(railRepeat(config, 'lr', known, 'replicate')).toEqual({ repeatOf: configKey(config) });
  });

  it('runs a repeat as if new when that is allowed, without asking', () => {
    const asked = () => {
      throw new Error('asked');
    };
    expect(railRepeat(config, 'lr', asked, 'allow')).toEqual({ repeatOf: null });
  });
});
