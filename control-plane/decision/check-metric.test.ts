import { describe, expect, it } from 'vitest';
import { checkMetric } from './check-metric.js';

const comparator = [1, 1.01];
const ask = (value: number | null, more: Partial<Parameters<typeof checkMetric>[0]> = {}) =>
  checkMetric({ goal: 'minimize', value, bounds: [0, 8], comparator, groups: [comparator, [0.98], [1.4]], ...more });

describe('checkMetric', () => {
  it('passes a plain measurement, the bounds themselves included', () => {
    expect(ask(0.97)).toEqual({ kind: 'ok' });
    expect(ask(8)).toEqual({ kind: 'ok' });
    expect(ask(0, { goal: 'maximize' })).toEqual({ kind: 'ok' });
  });
  it('names the reason of a number that cannot be a measurement', () => {
    expect(ask(null)).toMatchObject({ kind: 'failed', reason: 'no_metric' });
    expect(ask(NaN)).toMatchObject({ kind: 'failed', reason: 'diverged' });
    expect(ask(-Infinity)).toMatchObject({ kind: 'failed', reason: 'diverged' });
    expect(ask(8.01)).toMatchObject({ kind: 'failed', reason: 'metric_out_of_bounds' });
    expect(ask(-0.01)).toMatchObject({ kind: 'failed', reason: 'metric_out_of_bounds' });
  });
  it('quarantines an improvement far beyond anything seen, in the goal’s direction only', () => {
    expect(ask(0.5).kind).toBe('quarantine');
    expect(ask(1.9).kind).toBe('ok');
    expect(ask(1.9, { goal: 'maximize', groups: [comparator] }).kind).toBe('quarantine');
  });
  it('believes a large improvement where such were seen before', () => {
    expect(ask(0.5, { groups: [comparator, [0.6, 0.61], [0.5]] }).kind).toBe('ok');
    expect(ask(0.5, { groups: [comparator, [0.5]] }).kind).toBe('quarantine');
  });
  it('believes a large improvement that lies within the noise, and anything when there is nothing to compare with', () => {
    expect(ask(0.7, { noiseSd: 0.1 }).kind).toBe('ok');
    expect(ask(0.01, { comparator: [], groups: [] }).kind).toBe('ok');
  });
});
