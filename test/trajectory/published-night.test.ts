import { describe, expect, it } from 'vitest';
import { analyze } from '@nightshift/control-plane/trajectory/analyze';
import { emptyLive, updateLive } from '@nightshift/control-plane/trajectory/live';
import { liveFigures } from '@nightshift/control-plane/trajectory/live-figures';
import { readTrajectory } from '@nightshift/control-plane/trajectory/read-trajectory';
import { reportText } from '@nightshift/control-plane/trajectory/report-text';
import { BASELINE, nightMenu, publishedNight } from './published-night.js';

const trajectory = readTrajectory(publishedNight(), { menu: nightMenu });
const analysis = analyze(trajectory);

describe('the published night of 50 iterations', () => {
  it('has 8 keeps, 42 reverts, nothing blocked, nothing failed', () => {
    expect(analysis).toMatchObject({
      iterations: 50,
      evaluated: 50,
      kept: 8,
      reverted: 42,
      inconclusive: 0,
      blocked: 0,
      failed: 0,
    });
    expect(analysis.baseline).toEqual({ value: BASELINE, n: 1 });
  });

  it('touched 6 of 13 knobs, 46.2%', () => {
    expect(analysis.knobs).toMatchObject({ total: 13, touched: 6 });
    expect(analysis.knobs.coverage).toBeCloseTo(0.462, 3);
    expect(analysis.knobs.untouched).toEqual([
      'n_layer',
      'lr_warmup',
      'grad_clip',
      'weight_decay',
      'batch_size',
      'seq_len',
      'precision',
    ]);
    expect(analysis.knobs.proposals).toEqual({ d_model: 24, n_head: 15, d_ff: 5, lr: 3, beta2: 2, beta1: 1 });
  });

  it('repeated 36 of 50 proposals, 72%, and explored 14 pairs, one of them the baseline itself', () => {
    expect(analysis.pairs).toMatchObject({ unique: 14, repeats: 36, repeatRate: 0.72, noops: 1 });
    expect(analysis.pairs.windows).toEqual([
      { first: 1, last: 10, repeatRate: 0.5 },
      { first: 11, last: 20, repeatRate: 0.5 },
      { first: 21, last: 30, repeatRate: 0.8 },
      { first: 31, last: 40, repeatRate: 0.9 },
      { first: 41, last: 50, repeatRate: 0.9 },
    ]);
    expect(analysis.pairs.top?.[0]).toEqual({ knob: 'd_model', value: 1536, proposed: 10, kept: 0 });
    expect(analysis.pairs.top?.[1]).toEqual({ knob: 'd_model', value: 768, proposed: 7, kept: 6 });
  });

  it('kept first at 4, best at 45, and six of eight times the same pair', () => {
    expect(analysis.keeps.first).toEqual({ iteration: 4, knob: 'd_model', value: 768, metric: 10.8722 });
    expect(analysis.keeps.best).toMatchObject({ iteration: 45, knob: 'd_model', value: 768, metric: 10.8534 });
    expect(analysis.keeps.best?.improvement).toBeCloseTo(0.0093, 4);
    expect(analysis.keeps.topPairShare).toBe(0.75);
    const kept = trajectory.records.filter((record) => record.outcome === 'kept').map((record) => record.iteration);
    expect(kept).toEqual([4, 6, 23, 31, 33, 43, 45, 46]);
  });

  it('had no new best between 6 and 23, nor between 23 and 45', () => {
    expect(analysis.plateau).toEqual({ longest: 21, current: 5 });
    const early = analyze({ ...trajectory, records: trajectory.records.slice(0, 23) });
    expect(early.plateau).toEqual({ longest: 16, current: 0 });
  });

  it('flipped three configurations, with noise of about 0.18% of the metric over 36 degrees of freedom', () => {
    expect(analysis.noise.flipped).toEqual([
      { knob: 'd_model', value: 768, kept: 6, reverted: 1 },
      { knob: 'd_ff', value: 6144, kept: 1, reverted: 1 },
      { knob: 'd_ff', value: 8192, kept: 1, reverted: 1 },
    ]);
    expect(analysis.noise.degreesOfFreedom).toBe(36);
    expect(analysis.noise.relative).toBeGreaterThan(0.0012);
    expect(analysis.noise.relative).toBeLessThan(0.0024);
  });

  it('can claim less than its headline: the mean of seven, not the luckiest of them', () => {
    expect(analysis.replicated).toMatchObject({ knob: 'd_model', value: 768, n: 7 });
    expect(analysis.replicated?.headline).toBeCloseTo(0.0093, 4);
    expect(analysis.replicated?.improvement).toBeLessThan(0.0075);
    const noop = trajectory.records.find((record) => record.iteration === 48)?.metric ?? NaN;
    const mean = analysis.replicated?.mean ?? NaN;
    expect(analysis.replicated?.improvement).toBeCloseTo(1 - mean / ((BASELINE + noop) / 2), 12);
    expect(analysis.replicated?.standardError).toBeCloseTo((analysis.noise.sd ?? NaN) / Math.sqrt(7), 12);
  });

  it('took 73 minutes, 88 s an iteration, 1.2 s a model call; the energy is not known', () => {
    expect(analysis.cost.wallSeconds).toBeCloseTo(4405, 0);
    expect(analysis.cost.secondsPerIteration).toBeCloseTo(88.1, 6);
    expect(analysis.cost.modelSecondsPerCall).toBeCloseTo(1.2, 6);
    expect(analysis.cost.energyWh).toBeNull();
  });

  it('was flailing, from its tenth iteration on', () => {
    expect(analysis.health.verdict).toBe('flailing');
    expect(analysis.health.reasons.join('\n')).toMatch(/18 of the last 20 evaluated iterations repeat/);
    expect(analysis.health.reasons.join('\n')).toMatch(/iteration 48 proposed the baseline's own value/);
    const live = emptyLive(trajectory);
    const verdicts = trajectory.records.map((record) => liveFigures(updateLive(live, record)).health.verdict);
    expect(verdicts.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => 'exploring'));
    expect(verdicts[9]).toBe('flailing');
    expect(verdicts[49]).toBe('flailing');
  });

  it('is warned about: no metric in bits per byte is above 8', () => {
    expect(analysis.warnings).toHaveLength(1);
    expect(analysis.warnings[0]).toMatch(/^val_bpb is above 8 bits per byte/);
  });

  it('is reported with the replicated gain before the single best', () => {
    const text = reportText(trajectory, analysis);
    expect(text.indexOf('Replicated: d_model=768')).toBeGreaterThan(0);
    expect(text.indexOf('Single best keep: iteration 45')).toBeGreaterThan(text.indexOf('Replicated: d_model=768'));
    expect(text).toContain('the best of 7 draws');
  });
});
