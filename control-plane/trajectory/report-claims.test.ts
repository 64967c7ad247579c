import { describe, expect, it } from 'vitest';
import type { Decision, Trajectory, TrajectoryRecord } from '@nightshift/protocol';
import { analyze } from './analyze.js';
import { writeCsv, writeResultsTsv } from './exports.js';
import { liveFigures } from './live-figures.js';
import { emptyLive, updateLive } from './live.js';
import { readTrajectory } from './read-trajectory.js';
import { reportHtml } from './report-html.js';
import { reportMarkdown } from './report-markdown.js';
import { reportText } from './report-text.js';
import { writeTrajectory } from './write-trajectory.js';

const BASE = { lr: 0.1, c: 'n', batch: 8 };

function tried(iteration: number, change: object, values: number[], more: Partial<TrajectoryRecord> = {}) {
  const config = { ...BASE, ...change } as Record<string, string | number>;
  const knob = Object.keys(change).at(-1) as string;
  return {
    iteration,
    outcome: 'reverted',
    proposer: 'sampler',
    proposal: { knob, newValue: config[knob]!, reason: 'why not' },
    config,
    values,
    metric: values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length,
    failure: null,
    rail: null,
    blocked: [],
    decision: null,
    wallSeconds: 60,
    modelSeconds: null,
    energyWh: null,
    ...more,
  } satisfies TrajectoryRecord;
}
function runOf(records: TrajectoryRecord[], more: Partial<Trajectory> = {}): Trajectory {
  const baseline = { config: BASE, values: [2, 2.02, 1.98], value: 2 };
  return { metric: { name: 'loss', goal: 'minimize' }, menu: null, baseline, records, warnings: [], ...more };
}
const textOf = (run: Trajectory) => reportText(run, analyze(run), { width: 160 });
const guarded = { outcome: 'revert', guards: ['mem', 'speed'], reason: 'Reverted by a guard: mem 5' } as Decision;

describe('a change of what was not kept', () => {
  const stacked = runOf([
    tried(4, { lr: 0.034 }, [1.9], { standsOn: null }),
    tried(7, { lr: 0.034, batch: 16 }, [1.5, 1.52], { standsOn: 4 }),
    tried(8, { lr: 0.034, c: 'p' }, [1.8], { standsOn: 4 }),
    tried(9, { lr: 0.034, batch: 16, c: 'p' }, [1.6], { standsOn: 7 }),
    tried(10, { batch: 32 }, [1.95], { standsOn: 0 }),
  ]);

  it('is claimed with what it was made to, and the whole configuration', () => {
    const text = textOf(stacked);
    expect(text).toContain('Replicated: batch=16 on #4 has loss 1.51');
    expect(text).toContain('The configuration that was replicated: {"lr":0.034, "c":"n", "batch":16}');
    for (const report of [text, reportMarkdown(stacked, analyze(stacked)), reportHtml(stacked, analyze(stacked))])
      expect(report.match(/Nothing was kept/g)).toHaveLength(1);
    expect(analyze(stacked).replicated).toMatchObject({ knob: 'batch', value: 16, n: 2, standsOn: 4 });
  });

  it('is no replicate of the same change of something else, in every form of the report', () => {
    const rows = textOf(stacked)
      .split('\n')
      .filter((line) => line.startsWith('c=p'));
    expect(rows.map((row) => row.replaceAll(/ +/g, ' '))).toEqual([
      'c=p on #7 1 1 1.6 +20.00% 1 reverted',
      'c=p on #4 1 1 1.8 +10.00% 1 reverted',
    ]);
    expect(textOf(stacked)).toContain('batch=32 on the baseline');
    for (const page of [reportMarkdown(stacked, analyze(stacked)), reportHtml(stacked, analyze(stacked))]) {
      expect(page.replaceAll('\\', '')).toContain('c=p on #7');
      expect(page.replaceAll('\\', '')).toContain('c=p on #4');
    }
  });

  it('stands in results.tsv with that, and is read back with it though rows shift', () => {
    const tsv = writeResultsTsv(stacked);
    expect(tsv).toContain('\tbatch=16 on #4: why not\n');
    expect(tsv).toContain('\tbatch=32 on the baseline: why not\n');
    const back = readTrajectory(tsv, { goal: 'minimize' });
    expect(back.records.map(({ standsOn }) => standsOn)).toEqual([undefined, 1, 1, 2, 0]);
    expect(back.records.map(({ proposal }) => proposal)).toEqual(stacked.records.map(({ proposal }) => proposal));
    expect(analyze(back).replicated).toBeNull();
  });

  it('is told by configurations alone where the source numbers nothing', () => {
    const kept = runOf([
      tried(1, { lr: 0.2 }, [1.9], { outcome: 'kept' }),
      tried(2, { c: 'p' }, [1.7]),
      tried(3, { lr: 0.2, c: 'p' }, [1.6]),
    ]);
    expect(textOf(kept)).toMatch(/^c=p on #1 /m);
    expect(textOf(kept)).toMatch(/^c=p {2}/m);
    expect(writeCsv(kept).split('\r\n')[3]).toMatch(/,1$/);
  });

  it('counts a blocked proposal with its pair, which never ran', () => {
    const blocked = tried(11, { c: 'p' }, [], { outcome: 'blocked', config: null, rail: 'repeat', standsOn: 9 });
    const rows = textOf({ ...stacked, records: [...stacked.records, blocked] })
      .split('\n')
      .filter((line) => line.startsWith('c=p'));
    expect(rows).toHaveLength(2);
    expect(rows.join('\n')).toContain('1 reverted, 1 blocked');
  });
});

describe('an iteration that failed after good measurements', () => {
  const failed = tried(2, { lr: 0.01 }, [1.2, 1.3], { outcome: 'failed', failure: 'timeout' });
  const run = runOf([tried(1, { lr: 0.2 }, [1.9]), failed]);

  it('has them in the report as in the exports, and in the noise', () => {
    expect(textOf(run).replaceAll(/ +/g, ' ')).toContain('lr=0.01 1 2 1.25 +37.50% 1 failed');
    expect(writeCsv(run).split('\r\n')[2]).toContain(',1.25,2,');
    expect(analyze(run).noise.degreesOfFreedom).toBe(3);
    expect(liveFigures(run.records.reduce(updateLive, emptyLive(run))).noise).toMatchObject({
      sd: analyze(run).noise.sd,
      degreesOfFreedom: 3,
    });
  });

  it('is claimed by nobody', () => {
    expect(analyze(run)).toMatchObject({ replicated: null, failed: 1, evaluated: 1 });
  });
});

describe('what a guard reverted', () => {
  const run = runOf([
    ...Array.from({ length: 13 }, (_, i) => tried(i + 1, { lr: i + 1 }, [2.1 + i / 100])),
    tried(14, { lr: 0.5 }, [1.2, 1.21], { decision: guarded }),
  ]);

  it('is no new best, live and after', () => {
    const analysis = analyze(run);
    expect(analysis.plateau).toEqual({ longest: 14, current: 14 });
    expect(analysis.health.reasons.join('; ')).not.toContain('iteration 14');
    const live = liveFigures(run.records.reduce(updateLive, emptyLive(run)));
    expect(live.health).toEqual(analysis.health);
    expect(live.plateau).toEqual(analysis.plateau);
  });

  it('is told by guard, and beside the number that it is', () => {
    const text = textOf(run).replaceAll(/ +/g, ' ');
    expect(text).toContain('guards mem reverted 1 iteration (14); speed reverted 1 iteration (14)');
    expect(text).toContain('Replicated: lr=0.5, which the guards mem and speed reverted, has loss 1.205');
  });

  it('comes back from an export, and decisions without it are read as before', () => {
    const back = readTrajectory(writeTrajectory(run));
    expect(back.records.at(-1)?.decision?.guards).toEqual(['mem', 'speed']);
    const old = { ...guarded };
    delete old.guards;
    const before = runOf([tried(1, { lr: 0.5 }, [1.2], { decision: old })]);
    expect(readTrajectory(writeTrajectory(before)).records[0]?.decision).not.toHaveProperty('guards');
    expect(analyze(before).guards).toEqual([]);
  });
});

describe('a keep that was measured again as the comparator', () => {
  const kept = runOf([
    tried(1, { lr: 0.2 }, [1.5], { outcome: 'kept', audits: [1.7, 1.6] }),
    tried(2, { batch: 16 }, [1.7]),
  ]);

  it('is told as the best with what it was kept for, and with the rest beside it', () => {
    expect(analyze(kept).keeps.best).toMatchObject({ metric: 1.5, improvement: 0.25 });
    expect(textOf(kept)).toContain(
      'loss 1.5, +25.00%, measured once; 1.6 with 2 later measurements of it as the comparator.',
    );
  });

  it('is claimed with all its measurements', () => {
    expect(analyze(kept).replicated).toMatchObject({ knob: 'lr', n: 3, mean: expect.closeTo(1.6, 9) });
    expect(readTrajectory(writeTrajectory(kept)).records).toEqual(kept.records);
  });
});

describe('a run in code mode', () => {
  it('has changes and no knobs', () => {
    const patch = { knob: '(patch)', newValue: '3fa9', reason: '' };
    const records = [tried(1, { lr: 0.1 }, [1.5], { proposal: patch, description: 'Use Adam' })];
    const run = runOf(records, { measurement: 'sealed' });
    for (const report of [textOf(run), reportMarkdown(run, analyze(run)), reportHtml(run, analyze(run))]) {
      expect(report).toContain('Use Adam');
      expect(report).not.toMatch(/\(patch\)|knob/i);
    }
  });
});

describe('a run that failed', () => {
  const failed = 'the baseline could not be measured: crash (train.py: no such file)';
  const run = runOf([], { failed, baseline: { config: BASE, values: [], value: null } });

  it('says so and why before anything else, and is not said to explore', () => {
    for (const one of [run, readTrajectory(writeTrajectory(run))]) {
      const text = textOf(one);
      expect(text).toContain(`The run failed: ${failed}.`);
      expect(text.indexOf('The run failed')).toBeLessThan(text.indexOf('Nothing was measured.'));
      expect(text).toContain('Health: blind');
      expect(text).not.toContain('exploring');
    }
  });
});

describe('the words of a report', () => {
  it('do not call a baseline that was measured three times nothing', () => {
    const once = textOf(runOf([tried(1, { lr: 0.2 }, [1.9])]));
    expect(once).toContain('No change was measured twice: no gain has been replicated.');
    expect(textOf(runOf([]))).toContain('No change was measured.');
  });

  it('ask for no menu where patches are proposed', () => {
    const patch = tried(1, {}, [1.9], { config: {}, proposal: { knob: '(patch)', newValue: 'abc', reason: '' } });
    expect(analyze(runOf([patch])).warnings.join()).not.toContain('menu');
    expect(analyze(runOf([tried(1, { lr: 0.2 }, [1.9])])).warnings.join()).toContain('no menu');
  });

  it('have no digits in a spreadsheet that nobody measured', () => {
    const rows = writeCsv(runOf([tried(1, { lr: 0.2 }, [2.29, 2.30184]), tried(2, { lr: 0.3 }, [0.1 + 0.2])]));
    expect(rows).toContain(',2.29592,2,-0.14796,');
    expect(rows).toContain(',0.30000000000000004,1,');
  });
});
