import { describe, expect, it } from 'vitest';
import { railDiff } from './rail-diff.js';

const proposal = { knob: 'lr', newValue: 0.1, reason: '' };
const config = { lr: 0.1, heads: 2, kind: 'a' };

describe('rail diff', () => {
  it('passes when nothing was declared, or exactly the proposed change', () => {
    expect(railDiff(proposal, config, undefined)).toBeNull();
    expect(railDiff(proposal, config, { kind: 'a', heads: 2, lr: 0.1 })).toBeNull();
    expect(railDiff({ ...proposal, newValue: 0 }, { ...config, lr: 0 }, { ...config, lr: -0 })).toBeNull();
  });

  it('blocks a second change and names it', () => {
    expect(railDiff(proposal, config, { ...config, heads: 4 })).toBe(
      'the proposal changes lr, but the configuration also has "heads" = 4 where 2 is compared with. Change one knob at a time.',
    );
  });

  it('blocks a knob that was left out or added', () => {
    expect(railDiff(proposal, config, { lr: 0.1, heads: 2 })).toContain('"kind" = nothing');
    expect(railDiff(proposal, config, { ...config, seed: 1 })).toContain('"seed" = 1');
    expect(railDiff(proposal, config, { ...config, constructor: 'x' })).toContain('"constructor"');
    expect(railDiff(proposal, config, JSON.parse('{"lr": 0.1, "heads": 2, "kind": "a", "__proto__": 1}'))).toContain(
      '"__proto__"',
    );
  });

  it('blocks a configuration without the proposed value', () => {
    expect(railDiff(proposal, config, { ...config, lr: 0.2 })).toBe(
      'the configuration has lr = 0.2, but the proposal says 0.1.',
    );
    expect(railDiff(proposal, config, { heads: 2, kind: 'a' })).toContain('lr = nothing');
  });
});
