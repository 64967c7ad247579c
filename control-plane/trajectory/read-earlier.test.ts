import { describe, expect, test } from 'vitest';
import type { AppError, Trajectory } from '@nightshift/protocol';
import {
  analyze,
  readEarlier,
  readTrajectory,
  reportHtml,
  reportMarkdown,
  reportText,
  writeTrajectory,
} from './index.js';

const HEADER = 'commit\tval_bpb\tmemory_gb\tstatus\tdescription';
const FILE = `${HEADER}
a1b2c3d\t0.997900\t44.0\tkeep\tbaseline
b2c3d4e\t0.993200\t44.2\tkeep\tincrease LR to 0.04
c3d4e5f\t1.005000\t44.0\tdiscard\tswitch to GeLU\tactivation
d4e5f6a\t0.000000\t0.0\tcrash\tdouble model width (OOM)
`;
const options = { name: 'results.tsv', metric: { name: 'val_bpb', goal: 'minimize' as const } };

describe('the session that a run goes on from', () => {
  test('is read row by row with its lines, and a crash has no number', () => {
    expect(readEarlier(FILE, options).rows).toMatchObject([
      { line: 2, commit: 'a1b2c3d', outcome: 'kept', metric: 0.9979, memoryGb: 44, description: 'baseline' },
      { line: 3, commit: 'b2c3d4e', outcome: 'kept', metric: 0.9932 },
      { line: 4, outcome: 'reverted', metric: 1.005, description: 'switch to GeLU activation' },
      { line: 5, outcome: 'failed', metric: null, memoryGb: null },
    ]);
  });

  test.each([
    ['', 'line 1: the file is empty'],
    ['hello\n', 'line 1: the header has no column commit, status, description, val_bpb'],
    [FILE.replace('val_bpb', 'val_loss'), 'line 1: the header has no column val_bpb'],
    [`${HEADER}\n`, 'line 1: there is no row below the header'],
    [FILE.replace('discard', 'maybe'), 'line 4: status "maybe" is not keep, discard or crash'],
    [FILE.replace('0.993200', 'better'), 'line 3: val_bpb is "better": a keep needs a number'],
    [FILE.replace('1.005000', 'nan'), 'line 4: val_bpb is "nan": a discard needs a number'],
    [FILE.replace('b2c3d4e', 'HEAD~1'), 'line 3: commit "HEAD~1" is no commit id'],
    [FILE.replace('44.2', 'lots'), 'line 3: memory_gb "lots" is no number'],
    [FILE.replaceAll('\t', ' '), 'line 1: the header has no column'],
    [`${FILE}e5f6a7b\t0.99`, 'line 6: has 2 of 5 columns'],
  ])('is refused with the line that is wrong: %#', (text, problem) => {
    expect(() => readEarlier(text, options)).toThrow(problem);
  });

  test('is refused with every line that is wrong at once', () => {
    const text = FILE.replace('discard', 'maybe').replace('0.993200', 'better');
    const errors = (() => {
      try {
        readEarlier(text, options);
      } catch (error) {
        return (error as AppError).errors;
      }
    })();
    expect(errors?.map(({ line }) => line)).toEqual([3, 4]);
  });

  const trajectory: Trajectory = {
    metric: options.metric,
    menu: null,
    baseline: { config: {}, values: [0.99, 0.992], value: 0.991 },
    records: [],
    measurement: 'unsealed',
    earlier: { ...readEarlier(FILE, options), startsAtHead: true },
    warnings: [],
  };

  test('stands beside the figures of the run and in none of them', () => {
    const analysis = analyze(trajectory);
    expect(analysis).toMatchObject({
      iterations: 0,
      evaluated: 0,
      baseline: { value: 0.991, n: 2 },
      keeps: { count: 0 },
      measurement: 'unsealed',
      earlier: { rows: 4, kept: 2, discarded: 1, crashed: 1, best: { line: 3, metric: 0.9932 }, head: { line: 3 } },
    });
    expect(analysis.noise.degreesOfFreedom).toBe(1);
  });

  test('is told apart in every form of the report, with who measured', () => {
    for (const write of [reportText, reportHtml, reportMarkdown]) {
      const report = write(trajectory, analyze(trajectory)).replaceAll('\\', '').replace(/\s+/g, ' ');
      expect(report).toContain('Unsealed: the edited files evaluate themselves');
      expect(report).toContain('Earlier session (results.tsv)');
      expect(report).toContain('in no figure of this report');
      expect(report).toContain('The baseline is the code of its last keep (b2c3d4e, line 3), measured here 2 times');
      expect(report).toContain('double model width (OOM)');
    }
  });

  test('comes back from our own export', () => {
    const back = readTrajectory(writeTrajectory(trajectory));
    expect(back.earlier).toEqual(trajectory.earlier);
    expect(back.measurement).toBe('unsealed');
    expect(back.warnings).toEqual([]);
  });
});
