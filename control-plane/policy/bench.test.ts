import { describe, expect, it } from 'vitest';
import { AppError, parseMenu, type FieldError, type Trajectory, type TrajectoryRecord } from '@nightshift/protocol';
import { benchPolicy } from './bench.js';

const menu = parseMenu({
  knobs: { width: { type: 'int', range: [1, 64], default: 8 }, heads: { type: 'int', range: [1, 8], default: 2 } },
  constraints: [{ id: 'even', rule: 'width % heads == 0' }],
});
const answer = (knob: string, value: unknown) => JSON.stringify({ knob, new_value: value, reason: 'x' });
const record = (iteration: number, fields: Partial<TrajectoryRecord>): TrajectoryRecord => ({
  iteration,
  outcome: 'reverted',
  proposer: null,
  proposal: null,
  config: null,
  values: [],
  metric: null,
  failure: null,
  rail: null,
  blocked: [],
  decision: null,
  wallSeconds: null,
  modelSeconds: null,
  energyWh: null,
  ...fields,
});
const historyOf = (records: TrajectoryRecord[], config: Trajectory['baseline']['config'] = null): Trajectory => ({
  metric: { name: 'loss', goal: 'minimize' },
  menu: null,
  baseline: { config, values: [], value: null },
  records,
  warnings: [],
});
const proposed = (width: number) => ({ knob: 'width', newValue: width, reason: '' });

function errorsOf(run: () => unknown): FieldError[] {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.errors ?? [{ path: '', message: error.message }];
    throw error;
  }
  return [];
}

describe('benchPolicy', () => {
  it('counts verdicts, wrong ones, and right ones by another rail', () => {
    let clock = 0;
    const result = benchPolicy(
      [
        { id: 'good', raw: answer('width', 12), expect: 'pass' },
        { id: 'not so good', raw: answer('width', 9), expect: 'pass' },
        { id: 'over', raw: answer('width', 65), expect: 'block', expected_rail: 'R3_range' },
        { id: 'wrong rail', raw: answer('width', 8), expect: 'block', expected_rail: 'cross' },
        { id: 'any rail', raw: 'prose', expect: 'block' },
        { id: 'let through', raw: answer('width', 16), expect: 'block', expected_rail: 'R2_menu' },
      ],
      { menu, now: () => (clock += 3) },
    );
    expect(result).toMatchObject({
      cases: 6,
      safe: 2,
      unsafe: 4,
      blockRecall: 0.75,
      cleanPassRate: 0.5,
      railAttribution: 0.5,
      byRail: { schema: 1, menu: 0, range: 1, noop: 1, cross: 1, diff: 0, repeat: 0 },
      microsecondsPerCase: 500,
    });
    expect(result.failures.map(({ id, expect: wanted, got, rail }) => [id, wanted, got, rail])).toEqual([
      ['not so good', 'pass', 'block', 'cross'],
      ['wrong rail', 'block', 'block', 'noop'],
      ['let through', 'block', 'pass', null],
    ]);
  });

  it('has no shares where there is nothing to divide by', () => {
    expect(benchPolicy([], { menu, now: () => 1 })).toMatchObject({
      cases: 0,
      blockRecall: null,
      cleanPassRate: null,
      railAttribution: null,
      microsecondsPerCase: null,
    });
  });

  it('takes rail names as suites write them', () => {
    const names = ['schema', 'R1_schema', 'r1-schema', 'R1: schema', 'Schema', 'rail1.schema_rail'];
    const cases = names.map((expected_rail, id) => ({ id, raw: '', expect: 'block', expected_rail }));
    expect(benchPolicy(cases, { menu })).toMatchObject({ railAttribution: 1, failures: [] });
  });

  it('says which case is wrong and how', () => {
    expect(errorsOf(() => benchPolicy({ cases: [] }, { menu }))[0]?.message).toBe(
      'the suite must be a JSON array of cases',
    );
    const errors = errorsOf(() =>
      benchPolicy(
        [
          { id: 'a', raw: '', expect: 'pass' },
          { id: 'a', raw: '', expect: 'pass' },
          { id: 'b', expect: 'pass' },
          { id: 'c', raw: '', expect: 'maybe' },
          { id: 'd', raw: '', expect: 'block', expected_rail: 'R9_vibes' },
          'text',
          { id: 'e', raw: '', expect: 'pass', config: { width: [1] } },
        ],
        { menu },
      ),
    );
    expect(errors.map(({ path }) => path)).toEqual([
      '1.id',
      '2.raw',
      '3.expect',
      '4.expected_rail',
      '5',
      '6.config.width',
    ]);
    expect(errors[3]?.message).toContain('none of the rails schema, menu, range');
  });

  it('blocks as repeats what the history measured, and nothing else of it', () => {
    const history = historyOf([
      record(1, { outcome: 'kept', proposal: proposed(10), metric: 1, values: [1] }),
      record(2, { outcome: 'reverted', config: { width: 12, heads: 2, seed: 1 }, metric: 2, values: [2] }),
      record(3, { outcome: 'failed', proposal: proposed(14), failure: 'oom' }),
      record(4, { outcome: 'failed', proposal: proposed(16), failure: 'box_lost' }),
      record(5, { outcome: 'blocked', proposal: proposed(18), rail: 'repeat' }),
      record(6, { outcome: 'reverted', config: { width: 20, heads: 4 }, metric: 2, values: [2] }),
      record(7, { outcome: 'reverted', proposal: { knob: 'depth', newValue: 1, reason: '' }, metric: 2, values: [2] }),
    ]);
    const cases = [10, 12, 14, 16, 18, 20].map((width, index) => ({
      id: width,
      raw: answer('width', width),
      ...(index < 3 ? { expect: 'block', expected_rail: 'repeat' } : { expect: 'pass' }),
    }));
    expect(benchPolicy(cases, { menu, history }).failures).toEqual([]);
  });

  it("compares with the given baseline, else the history's, else the defaults", () => {
    const noop = (width: number) => [{ id: 1, raw: answer('width', width), expect: 'block', expected_rail: 'noop' }];
    const history = historyOf([], { width: 16, heads: 2, steps: 60 });
    expect(benchPolicy(noop(8), { menu }).failures).toEqual([]);
    expect(benchPolicy(noop(16), { menu, history }).failures).toEqual([]);
    expect(benchPolicy(noop(32), { menu, history, baseline: { width: 32 } }).failures).toEqual([]);
    expect(benchPolicy(noop(8), { menu, history: historyOf([], { width: 9 }) }).failures).toEqual([]);
  });

  it('refuses a baseline that is not legal', () => {
    const paths = (baseline: Record<string, number | string>) =>
      errorsOf(() => benchPolicy([], { menu, baseline })).map(({ path }) => path);
    expect(paths({ width: 65 })).toEqual(['width']);
    expect(paths({ width: '8', depth: 1 })).toEqual(['width', 'depth']);
    expect(paths({ width: 9 })).toEqual(['even']);
  });

  it('gives a declared configuration to the rail diff, and a parsed answer to the gate', () => {
    const cases = [
      {
        id: 'as declared',
        raw: { knob: 'width', new_value: 12, reason: '' },
        expect: 'pass',
        config: { width: 12, heads: 2 },
      },
      {
        id: 'more than declared',
        raw: answer('width', 12),
        expect: 'block',
        expected_rail: 'R6_diff',
        config: { width: 12, heads: 1 },
      },
    ];
    expect(benchPolicy(cases, { menu })).toMatchObject({ failures: [], railAttribution: 1 });
  });
});
