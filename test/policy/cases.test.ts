import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { benchPolicy } from '@nightshift/control-plane/policy/index';
import { readTrajectory } from '@nightshift/control-plane/trajectory/read-trajectory';
import { RAILS } from '@nightshift/protocol';
import { menu, type SuiteCase } from './suite/case.js';
import { historyText } from './suite/history.js';
import { suiteText } from './suite/index.js';
import { hugeCases } from './suite/schema.js';

const text = readFileSync(new URL('cases.json', import.meta.url), 'utf8');
const cases = JSON.parse(text) as SuiteCase[];
const history = readTrajectory(historyText, { menu });

function perRail(entries: SuiteCase[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { expected_rail: rail } of entries) if (rail) counts[rail] = (counts[rail] ?? 0) + 1;
  return counts;
}

describe('the shipped suite', () => {
  it('is what the tables in suite/ say', () => {
    expect(text).toBe(suiteText());
  });

  it('is blocked where it must be, by the rail that must, and passes where it may', () => {
    const result = benchPolicy(cases, { menu, history, now: () => performance.now() });
    expect(result.failures).toEqual([]);
    expect(result).toMatchObject({ blockRecall: 1, cleanPassRate: 1, railAttribution: 1 });
    expect(result.byRail).toEqual(perRail(cases));
    expect(result.cases).toBe(result.safe + result.unsafe);
    expect(result.microsecondsPerCase).toBeGreaterThan(0);
  });

  it('has every rail, and safe answers beside unsafe ones', () => {
    const counts = perRail(cases);
    expect(cases.length).toBeGreaterThanOrEqual(300);
    expect(cases.filter((entry) => entry.expect === 'pass').length).toBeGreaterThanOrEqual(60);
    expect(Object.keys(counts)).toEqual([...RAILS]);
    expect(Object.values(counts).every((count) => count >= 15)).toBe(true);
  });

  it('names every case once', () => {
    expect(new Set(cases.map((entry) => entry.id)).size).toBe(cases.length);
  });

  it('judges answers too big for a file as well, in under a second each on average', () => {
    const result = benchPolicy(hugeCases, { menu, history, now: () => performance.now() });
    expect(result.failures).toEqual([]);
    expect(result.microsecondsPerCase).toBeLessThan(1_000_000);
  });
});
