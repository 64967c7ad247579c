import { describe, expect, it } from 'vitest';
import { benchCode, GATE_RAILS } from '@nightshift/control-plane/policy/code/bench-code';
import { gateCode } from '@nightshift/control-plane/policy/code/gate-code';
import { suite } from './suite/index.js';
import { unseen } from './suite/unseen.js';

describe('the suite of patches', () => {
  it('is blocked where it must be, by the rail that must, and passes where it may', () => {
    const result = benchCode(suite, () => performance.now());
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ blockRecall: 1, cleanPassRate: 1, railAttribution: 1 });
    expect(result.cases).toBe(result.safe + result.unsafe);
    expect(result.microsecondsPerCase).toBeGreaterThan(0);
  });

  it('has every rail, and safe patches beside unsafe ones', () => {
    const rails = new Map<string, number>();
    for (const { expectedRail } of suite) if (expectedRail) rails.set(expectedRail, (rails.get(expectedRail) ?? 0) + 1);
    expect([...rails.keys()]).toEqual([...GATE_RAILS]);
    expect(suite.length).toBeGreaterThanOrEqual(150);
    expect(suite.filter(({ expect: wanted }) => wanted === 'pass').length).toBeGreaterThanOrEqual(40);
  });

  it("passes what is known to be no rail's to tell, and says what stops it", () => {
    const seen = unseen.filter(({ raw, context }) => gateCode(raw, context).verdict !== 'pass');
    expect(seen.map(({ id }) => id)).toEqual([]);
    expect(unseen.filter(({ honestTwin, stoppedBy }) => honestTwin === '' || stoppedBy === '')).toEqual([]);
  });

  it('names every case once', () => {
    expect(new Set(suite.map(({ id }) => id)).size).toBe(suite.length);
  });
});
