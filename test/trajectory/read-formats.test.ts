import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AppError } from '@nightshift/protocol';
import { analyze } from '@nightshift/control-plane/trajectory/analyze';
import { writeResultsTsv } from '@nightshift/control-plane/trajectory/exports';
import { readTrajectory } from '@nightshift/control-plane/trajectory/read-trajectory';

const golden = (name: string) => readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8');

describe('a Nightshift export', () => {
  const trajectory = readTrajectory(golden('nightshift.jsonl'));

  it('is read with its menu, baseline and every record', () => {
    expect(trajectory.warnings).toEqual([]);
    expect(trajectory.metric).toEqual({ name: 'loss', goal: 'minimize' });
    expect(trajectory.baseline).toEqual({ config: { lr: 0.1, depth: 2 }, values: [1, 1.02, 0.98], value: 1 });
    expect(Object.keys(trajectory.menu?.knobs ?? {})).toEqual(['lr', 'depth']);
    expect(trajectory.records.map((record) => record.outcome)).toEqual(['kept', 'failed', 'blocked', 'inconclusive']);
    expect(trajectory.records[0]?.decision?.probability).toBe(0.99);
    expect(trajectory.records[1]?.values).toEqual([NaN]);
  });

  it('pools replicates and baseline measurements into the noise', () => {
    const analysis = analyze(trajectory);
    // Baseline: 0.0008 over 2; lr=0.2: 0.0002 over 1.
    expect(analysis.noise.degreesOfFreedom).toBe(3);
    expect(analysis.noise.sd).toBeCloseTo(Math.sqrt(0.001 / 3), 12);
    expect(analysis.baseline).toEqual({ value: 1, n: 3 });
    expect(analysis.replicated).toMatchObject({ knob: 'lr', value: 0.2, n: 2, headline: 0.09499999999999997 });
    expect(analysis.replicated?.improvement).toBeCloseTo(0.09, 12);
  });

  it('counts a blocked proposal as proposed, not as touched, and a failed one as touched', () => {
    const analysis = analyze(trajectory);
    expect(analysis.knobs.proposals).toEqual({ lr: 2, depth: 2 });
    expect(analysis.pairs.unique).toBe(3);
    const onlyBlocked = analyze({ ...trajectory, records: trajectory.records.slice(1, 3) });
    expect(onlyBlocked.knobs).toMatchObject({ touched: 1, untouched: ['depth'] });
  });

  it('sums what is known of time, energy and model calls', () => {
    expect(analyze(trajectory).cost).toEqual({
      wallSeconds: 27,
      secondsPerIteration: 6.75,
      modelSecondsPerCall: 2,
      modelUsd: null,
      energyWh: 5,
    });
  });

  it('without its first line is read with warnings', () => {
    const rest = golden('nightshift.jsonl').split('\n').slice(1).join('\n');
    const read = readTrajectory(rest);
    expect(read.records).toHaveLength(4);
    expect(read.warnings.join()).toMatch(/no run line/);
    expect(analyze(read).baseline).toEqual({ value: null, n: 0 });
  });
});

describe("the field's trajectory JSONL", () => {
  const trajectory = readTrajectory(golden('field.jsonl'));

  it('is read through a byte order mark, CRLF, blank lines, NaN and a torn end', () => {
    expect(trajectory.metric).toEqual({ name: 'val_bpb', goal: 'minimize' });
    expect(trajectory.baseline).toEqual({ config: { lr: 0.1, depth: 2 }, values: [1.2], value: 1.2 });
    expect(
      trajectory.records.map((record) => [record.iteration, record.outcome, record.metric, record.failure]),
    ).toEqual([
      [1, 'kept', 1.1, null],
      [2, 'blocked', null, null],
      [3, 'failed', null, 'oom'],
      [4, 'failed', null, 'model_error: connection refused'],
      [5, 'failed', null, 'diverged'],
      [6, 'kept', 1.12, null],
      [7, 'inconclusive', 1.21, null],
    ]);
    expect(trajectory.records[1]).toMatchObject({ rail: 'range', modelSeconds: 1 });
  });

  it('is warned about line by line', () => {
    expect(trajectory.warnings).toEqual([
      'line 7: evaluated, but val_bpb is NaN: read as failed (diverged)',
      'line 10: iteration 6 is there already, word for word: skipped',
      'line 11: unknown stage "daydreaming", skipped',
      'line 12: decision "maybe" is not keep or revert: read as inconclusive',
      'line 14: the torn last line is skipped',
      'the last line counts 3 keeps; the records have 2',
    ]);
  });

  it('has unknown coverage without a menu, and says how to get it', () => {
    const analysis = analyze(trajectory);
    expect(analysis.knobs).toMatchObject({ total: null, touched: 2, coverage: null, untouched: null });
    expect(analysis.warnings.join()).toMatch(/--menu/);
    expect(analysis).toMatchObject({ iterations: 7, evaluated: 3, kept: 2, inconclusive: 1, blocked: 1, failed: 3 });
    expect(analysis.pairs).toMatchObject({ unique: 4, repeats: 1, noops: 1 });
  });

  it('may measure something that is better when higher', () => {
    const rows = [
      { _meta: 'x', baseline_accuracy: 0.5 },
      {
        iter: 1,
        stage: 'evaluated',
        proposal: { knob: 'a', new_value: 1, reason: '' },
        accuracy: 0.6,
        decision: 'keep',
      },
      {
        iter: 2,
        stage: 'evaluated',
        proposal: { knob: 'a', new_value: 2, reason: '' },
        accuracy: 0.4,
        decision: 'revert',
      },
    ];
    const analysis = analyze(readTrajectory(rows.map((row) => JSON.stringify(row)).join('\n')));
    expect(analysis.keeps.best).toMatchObject({ iteration: 1, metric: 0.6 });
    expect(analysis.keeps.best?.improvement).toBeCloseTo(0.2, 12);
    expect(analysis.plateau).toEqual({ longest: 1, current: 1 });
  });
});

describe('results.tsv', () => {
  const trajectory = readTrajectory(golden('results.tsv'));

  it('has its first row as the baseline and free text where no knob is named', () => {
    expect(trajectory.baseline).toEqual({ config: null, values: [0.9979], value: 0.9979 });
    expect(
      trajectory.records.map((record) => [
        record.iteration,
        record.outcome,
        record.metric,
        record.proposal?.knob ?? null,
      ]),
    ).toEqual([
      [1, 'kept', 0.9932, 'lr'],
      [2, 'reverted', 1.005, null],
      [3, 'failed', null, 'depth'],
      [4, 'reverted', 0.995, 'lr'],
      [5, 'failed', null, 'lr'],
    ]);
    expect(trajectory.records[1]?.description).toBe('switch to GeLU, then back');
    expect(trajectory.records[0]?.proposal).toEqual({ knob: 'lr', newValue: 0.04, reason: 'a larger step' });
    expect(trajectory.warnings).toEqual([
      'line 7: val_bpb is NaN: read as failed (diverged)',
      'line 8: status "pondering" is not keep, discard or crash, skipped',
    ]);
  });

  it('is analysed as far as it says, and no further', () => {
    const analysis = analyze(trajectory);
    expect(analysis.cost).toEqual({
      wallSeconds: null,
      secondsPerIteration: null,
      modelSecondsPerCall: null,
      modelUsd: null,
      energyWh: null,
    });
    expect(analysis.noise.flipped).toEqual([{ knob: 'lr', value: 0.04, kept: 1, reverted: 1 }]);
    const silent = analyze(
      readTrajectory(
        'commit\tval_bpb\tmemory_gb\tstatus\tdescription\na\t1\t1\tkeep\tbaseline\nb\t0.9\t1\tkeep\tuse GeLU\n',
      ),
    );
    expect(silent.knobs).toEqual({ total: null, touched: null, coverage: null, untouched: null, proposals: null });
    expect(silent.pairs).toEqual({
      unique: null,
      repeats: null,
      repeatRate: null,
      noops: null,
      windows: null,
      top: null,
    });
    expect(silent.keeps.first).toEqual({ iteration: 1, knob: null, value: null, metric: 0.9 });
  });

  it('is read without a header, and with columns of its own', () => {
    const bare = readTrajectory('a\t1.5\t2.0\tkeep\tbaseline\nb\t1.4\t2.0\tkeep\tx=1\n');
    expect(bare.records[0]).toMatchObject({ metric: 1.4, proposal: { knob: 'x', newValue: 1 } });
    const own = readTrajectory(
      'commit\ttime\tscore\tstatus\tdescription\na\t10:30\t0.5\tkeep\tbaseline\nb\t10:40\t0.6\tkeep\tx=1\n',
    );
    expect(own.metric).toEqual({ name: 'score', goal: 'maximize' });
  });

  it('is written with the baseline first, zero for a crash, and tabs only between columns', () => {
    const export_ = writeResultsTsv(readTrajectory(golden('nightshift.jsonl')), {
      commitOf: (iteration) => (iteration === 1 ? 'abc1234' : undefined),
      memoryGbOf: () => 3.25,
    });
    expect(export_.split('\n')).toEqual([
      'commit\tloss\tmemory_gb\tstatus\tdescription',
      '0000000\t1.000000\t3.3\tkeep\tbaseline',
      'abc1234\t0.910000\t3.3\tkeep\tlr=0.2: try a larger step',
      '0000002\t0.000000\t3.3\tcrash\tlr=1: larger still',
      '0000004\t0.905000\t3.3\tdiscard\tdepth=3',
      '',
    ]);
  });
});

describe('anything else', () => {
  const refusal = (text: string) => {
    try {
      readTrajectory(text);
    } catch (error) {
      return error as AppError;
    }
    throw new Error('it was read');
  };

  it('is refused with the line and what was expected', () => {
    expect(refusal('# notes\nnothing here\n')).toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(/^line 1: .*# notes/) as string,
    });
    expect(refusal('')).toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(/^line 1: .*is empty/) as string,
    });
    expect(refusal('\n\n[1,2]').message).toMatch(/^line 3: /);
    expect(refusal('{"a":1}').hint).toMatch(/results\.tsv/);
  });
});
