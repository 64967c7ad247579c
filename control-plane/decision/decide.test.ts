import { describe, expect, it } from 'vitest';
import { decide, type DecideInput, type Ruling } from './decide.js';

const rule = { minImprovement: 0.005, confidence: 0.9, maxReplicates: 3 };
const quiet = [
  [1, 1.002, 0.999],
  [1.1, 1.101],
  [1.2, 1.198],
  [1.3, 1.303],
  [1.4, 1.401],
];
function ask(input: Partial<DecideInput>): Ruling {
  const candidate = input.candidate ?? [];
  const comparator = input.comparator ?? [1, 1.002, 0.999];
  return decide({
    goal: 'minimize',
    compare: 'incumbent',
    rule,
    candidate,
    comparator,
    groups: input.groups ?? [comparator, candidate],
    decisionsSoFar: 0,
    plannedDecisions: 50,
    ...input,
  });
}
const outcome = (ruling: Ruling) => (ruling.kind === 'decided' ? ruling.decision.outcome : ruling.role);
const decision = (ruling: Ruling) => {
  if (ruling.kind !== 'decided') throw new Error(`not decided: ${ruling.why}`);
  return ruling.decision;
};

describe('decide', () => {
  it('keeps a candidate that is clearly better, with every figure it rests on', () => {
    const candidate = [0.93];
    const kept = decision(ask({ candidate, groups: [...quiet, candidate] }));
    expect(kept).toMatchObject({
      outcome: 'keep',
      comparator: 'incumbent',
      comparatorN: 3,
      candidateN: 1,
      degreesOfFreedom: 6,
    });
    expect(kept.effect).toBeCloseTo((1.000333333 - 0.93) / 1.000333333, 6);
    expect(kept.standardError).toBeCloseTo((kept.noiseSd ?? 0) * Math.sqrt(1 + 1 / 3), 12);
    expect(kept.probability).toBeGreaterThan(0.99);
    expect(kept.reason).toMatch(
      /^7\.03% better than the incumbent \(standard error 0\.\d+%, n 1 against 3\): .*kept\.$/,
    );
  });

  it('reverts a worse candidate after one measurement', () => {
    const candidate = [1.03];
    expect(decision(ask({ candidate, groups: [...quiet, candidate] }))).toMatchObject({
      outcome: 'revert',
      candidateN: 1,
    });
  });

  it('asks for a replicate of a candidate near the threshold, and not of one far below it', () => {
    expect(outcome(ask({ candidate: [0.991], groups: [...quiet, [0.991]] }))).toBe('replicate');
    expect(outcome(ask({ candidate: [1.0], groups: [...quiet, [1.0]] }))).toBe('revert');
  });

  it('calls a candidate inconclusive at the limit when it looks better and nothing proves it', () => {
    const candidate = [0.985, 0.999, 0.992];
    expect(decision(ask({ candidate, groups: [...quiet, candidate] })).outcome).toBe('inconclusive');
  });

  it('knows no noise before something was measured twice: a good candidate earns a replicate, a bad one a revert', () => {
    expect(outcome(ask({ comparator: [1], candidate: [0.95] }))).toBe('replicate');
    const reverted = decision(ask({ comparator: [1], candidate: [0.998] }));
    expect(reverted).toMatchObject({
      outcome: 'revert',
      standardError: null,
      noiseSd: null,
      probability: null,
      degreesOfFreedom: 0,
    });
  });

  it('measures the comparator when the candidate may be measured once only', () => {
    const once = { ...rule, maxReplicates: 1 };
    expect(outcome(ask({ rule: once, comparator: [1], candidate: [0.95] }))).toBe('comparator');
  });

  it('measures a comparator again that was measured fewer times than the candidate', () => {
    const candidate = [0.991, 0.989];
    expect(outcome(ask({ comparator: [1], candidate, groups: [[1], candidate, [2, 2.002], [3, 3.002]] }))).toBe(
      'comparator',
    );
  });

  it('keeps by a single exact measurement once the metric is known to be deterministic', () => {
    expect(decision(ask({ comparator: [100, 100], candidate: [90] }))).toMatchObject({
      outcome: 'keep',
      standardError: 0,
      noiseSd: 0,
      probability: 1,
    });
    expect(decision(ask({ comparator: [100, 100], candidate: [99.9] }))).toMatchObject({
      outcome: 'revert',
      probability: 0,
    });
    expect(outcome(ask({ comparator: [100], candidate: [90] }))).toBe('replicate');
    expect(outcome(ask({ comparator: [100], candidate: [90, 90] }))).toBe('keep');
  });

  it('takes effects as fractions of the size of a negative mean', () => {
    const kept = decision(ask({ goal: 'minimize', comparator: [-10, -10], candidate: [-11] }));
    expect(kept).toMatchObject({ outcome: 'keep', effect: 0.1 });
    expect(decision(ask({ goal: 'maximize', comparator: [-10, -10], candidate: [-11] })).outcome).toBe('revert');
  });

  it('takes effects in the metric’s own unit when the comparator is 0', () => {
    expect(decision(ask({ goal: 'maximize', comparator: [0, 0], candidate: [0.25] }))).toMatchObject({
      outcome: 'keep',
      effect: 0.25,
    });
  });

  it('does not believe an improvement beyond anything seen before it is replicated', () => {
    const candidate = [0.4];
    const ruling = ask({ candidate, groups: [...quiet, candidate] });
    expect(ruling).toMatchObject({ kind: 'measure', role: 'replicate' });
    expect(ruling.kind === 'measure' && ruling.why).toContain('too good');
    const replicated = [0.4, 0.401];
    expect(outcome(ask({ candidate: replicated, groups: [...quiet, replicated] }))).toBe('keep');
    expect(
      decision(ask({ candidate, groups: [...quiet, candidate], rule: { ...rule, maxReplicates: 1 } })).outcome,
    ).toBe('inconclusive');
  });

  it('is not fooled by one wild measurement among replicates', () => {
    const candidate = [0.4, 1.001, 0.999];
    expect(outcome(ask({ candidate, groups: [...quiet, candidate] }))).not.toBe('keep');
  });

  it('has a wild configuration blind its own decision only', () => {
    const candidate = [0.93];
    expect(outcome(ask({ candidate, groups: [...quiet, [1.2, 7.9], candidate] }))).toBe('keep');
  });

  it('asks more of a candidate in a long run than in a short one', () => {
    const candidate = [0.981];
    const at = (plannedDecisions: number | null, decisionsSoFar = 0) =>
      outcome(ask({ candidate, groups: [...quiet, candidate], plannedDecisions, decisionsSoFar }));
    expect(at(1)).toBe('keep');
    expect(at(100_000)).not.toBe('keep');
    expect(at(null, 100_000)).not.toBe('keep');
  });

  it('finds a candidate without a measurement inconclusive, and measures a comparator without one', () => {
    expect(decision(ask({ candidate: [] }))).toMatchObject({
      outcome: 'inconclusive',
      candidateMean: null,
      effect: null,
    });
    expect(decision(ask({ candidate: [NaN, Infinity] }))).toMatchObject({ outcome: 'inconclusive', candidateN: 0 });
    expect(outcome(ask({ candidate: [1], comparator: [] }))).toBe('comparator');
  });

  it('decides with what there is when the comparator cannot be measured again', () => {
    const once = { ...rule, maxReplicates: 1 };
    const stuck = { canMeasureComparator: false };
    expect(decision(ask({ ...stuck, rule: once, comparator: [1], candidate: [0.95] }))).toMatchObject({
      outcome: 'inconclusive',
      probability: null,
    });
    expect(decision(ask({ ...stuck, comparator: [], candidate: [0.95] })).reason).toBe(
      'The incumbent has no measurement.',
    );
    const candidate = [0.975, 0.978];
    const groups = [[1], candidate, [2, 2.002], [3, 3.002]];
    expect(outcome(ask({ comparator: [1], candidate, groups, rule: { ...rule, maxReplicates: 2 } }))).toBe(
      'comparator',
    );
    expect(outcome(ask({ ...stuck, comparator: [1], candidate, groups, rule: { ...rule, maxReplicates: 2 } }))).toBe(
      'keep',
    );
  });

  it('counts replicates that a caller left out of the groups', () => {
    expect(decision(ask({ comparator: [1, 1.001, 0.999], candidate: [1.2], groups: [] })).degreesOfFreedom).toBe(2);
  });
});
