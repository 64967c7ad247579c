import { describe, expect, it } from 'vitest';
import { effectText, failureLine, iterationTable } from './iteration-line.js';
import { decision, iteration } from './testing/iteration.js';

const rows = [
  iteration(1),
  iteration(12, {
    state: 'inconclusive',
    proposal: { knob: 'warmup_fraction_of_the_whole_budget', newValue: 0.123456789, reason: '' },
    decision: { ...decision({ effect: 0.0231, candidateN: 3, standardError: null }) },
  }),
  iteration(103, { state: 'failed', failure: 'metric_out_of_bounds', metric: null, decision: null }),
  iteration(104, { state: 'blocked', metric: null, decision: null, proposer: 'model', blocked: [{ rail: 'repeat' }] }),
  iteration(105, { state: 'screened_out', metric: null, decision: null, screening: { effect: -0.123 } }),
];

describe('iterationTable', () => {
  for (const columns of [80, 100, 120])
    it(`fits ${columns} columns, its points below each other`, () => {
      const table = iterationTable('val_bpb', columns);
      const lines = [table.heading(), ...rows.map((row) => table.line(row, 0.05))];
      for (const line of lines) expect([...line].length).toBeLessThanOrEqual(columns);
      const outcome = table.heading().indexOf('outcome');
      expect(lines.slice(1).map((line) => line.slice(outcome))).toEqual([
        'reverted',
        'inconclusive',
        'failed',
        'blocked',
        'screened out',
      ]);
    });

  it('tells number, proposer, change, metric, effect, n and outcome', () => {
    expect(iterationTable('loss', 80).line(iteration(7), 0.003)).toMatch(
      /^ {2}7 sampler {2}lr 0\.003→0\.01 +1\.50000 +-7\.14% ±1\.20 {2}1 reverted$/,
    );
  });

  it('says why where there is no measurement', () => {
    const table = iterationTable('loss', 80);
    expect(table.line(rows[2]!, 1)).toMatch(/metric_out_of_bounds failed$/);
    expect(table.line(rows[3]!, 1)).toMatch(/rail repeat blocked$/);
    expect(table.line(rows[4]!, 1)).toMatch(/-12\.30% at cheap budget screened out$/);
  });
});

describe('what a guard reverted', () => {
  const revert = iteration(4, { decision: { ...decision({ effect: 0.078, guards: ['mem'] }) } });

  it('says by which guard, on the same line where there is room', () => {
    expect(iterationTable('loss', 120).line(revert, 1)).toMatch(/\+7\.80% ±1\.20 +1 {2}reverted by guard mem$/);
  });

  it('and on a line of its own where there is none', () => {
    const lines = iterationTable('loss', 80).line(revert, 1).split('\n');
    expect(lines[0]).toMatch(/reverted$/);
    expect(lines[1]).toBe('     ↳ by guard mem');
    const long = iteration(4, { decision: { ...decision({ guards: ['a'.repeat(60), 'b'.repeat(60)] }) } });
    for (const line of iterationTable('loss', 80).line(long, 1).split('\n'))
      expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('effectText', () => {
  it('leaves out what is not known', () => {
    expect(effectText(null, null)).toBe('');
    expect(effectText(0.01, null)).toBe('+1.00%');
    expect(effectText(-0.02, 0.005)).toBe('-2.00% ±0.50');
  });
});

it('tells a failure by the end of its traceback, a filled disk by who filled it', () => {
  const crash = {
    failure: 'crash' as const,
    failureDetail: 'training exited with code 1; it last printed: \nTraceback\nKeyError: 3',
  };
  expect(failureLine(crash)).toBe('KeyError: 3');
  const words =
    'the job wrote 41 GiB of the 40 GiB that were free when training began; train found no space left on the disk';
  const filled = {
    failure: 'disk_filled' as const,
    failureDetail: `${words}; it last printed: \nTraceback\nOSError: [Errno 28]`,
  };
  expect(failureLine(filled)).toBe(words);
  expect(failureLine({ failure: 'disk_filled', failureDetail: null })).toBe('');
});
