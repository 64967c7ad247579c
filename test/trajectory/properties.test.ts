import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError, type Trajectory } from '@nightshift/protocol';
import { analyze } from '@nightshift/control-plane/trajectory/analyze';
import { writeCsv, writeResultsTsv } from '@nightshift/control-plane/trajectory/exports';
import { judgeHealth, healthEvidence, VERDICTS } from '@nightshift/control-plane/trajectory/health';
import { emptyLive, updateLive, type Live } from '@nightshift/control-plane/trajectory/live';
import { liveEvidence, liveFigures } from '@nightshift/control-plane/trajectory/live-figures';
import { readTrajectory } from '@nightshift/control-plane/trajectory/read-trajectory';
import { reportHtml } from '@nightshift/control-plane/trajectory/report-html';
import { reportMarkdown } from '@nightshift/control-plane/trajectory/report-markdown';
import { reportText } from '@nightshift/control-plane/trajectory/report-text';
import { writeTrajectory } from '@nightshift/control-plane/trajectory/write-trajectory';
import { trajectories } from './arbitrary.js';
import { publishedNight } from './published-night.js';

const OUR_WARNINGS = /^(?:line \d+: |no (?:run|end) line|the end line counts)/;

/** The entropy of the proposals over knobs, straight from its definition. */
function entropyOf(trajectory: Trajectory): number | null {
  const counts = new Map<string, number>();
  for (const { proposal } of trajectory.records)
    if (proposal !== null) counts.set(proposal.knob, (counts.get(proposal.knob) ?? 0) + 1);
  const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  return [...counts.values()].reduce((sum, n) => sum - (n / total) * Math.log2(n / total), 0);
}

function expectClose(actual: number | null, expected: number | null): void {
  if (actual === null || expected === null) expect(actual).toBe(expected);
  // Equal infinities and not-a-numbers are equal; anything else to nine digits.
  else if (!Object.is(actual, expected))
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
}

/** Trajectories whose measurements are of ordinary size: beyond it, two orders of adding up differ in more than rounding. */
const ordinary = trajectories.map((made) => ({
  ...made,
  baseline: { ...made.baseline, values: made.baseline.values.filter((value) => value < 10) },
  records: made.records.map((record) => ({
    ...record,
    values: record.values.filter((value) => !(Math.abs(value) >= 10 && Number.isFinite(value))),
    metric:
      record.metric !== null && Number.isFinite(record.metric) && Math.abs(record.metric) >= 10 ? 1 : record.metric,
  })),
}));

describe('any trajectory', () => {
  it('comes back from our own export as it went', () => {
    fc.assert(
      fc.property(trajectories, (trajectory) => {
        const back = readTrajectory(writeTrajectory(trajectory));
        expect(back.warnings).toEqual(trajectory.warnings);
        expect(back).toEqual(trajectory);
      }),
      { numRuns: 150 },
    );
  });

  it('comes back from an export whose last line is torn anywhere, but for what was torn off', () => {
    fc.assert(
      fc.property(trajectories, fc.nat(), (trajectory, at) => {
        fc.pre(trajectory.records.length > 0);
        const whole = writeTrajectory(trajectory);
        const headEnd = whole.indexOf('\n') + 1;
        const cut = headEnd + (at % (whole.length - headEnd));
        const back = readTrajectory(whole.slice(0, cut));
        expect(back.records).toEqual(trajectory.records.slice(0, back.records.length));
        const lines = whole.slice(0, cut).split('\n').length - 2;
        expect(back.records.length).toBeGreaterThanOrEqual(Math.min(lines, trajectory.records.length));
        expect(back.warnings.some((warning) => warning.startsWith('no end line'))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('has the same figures live, stored and taken up after every iteration, as in a batch', () => {
    fc.assert(
      fc.property(ordinary, (trajectory) => {
        let live: Live = emptyLive(trajectory);
        for (const record of trajectory.records) live = updateLive(JSON.parse(JSON.stringify(live)) as Live, record);
        const figures = liveFigures(live);
        const batch = analyze(trajectory);
        for (const name of [
          'iterations',
          'evaluated',
          'kept',
          'reverted',
          'inconclusive',
          'blocked',
          'failed',
        ] as const)
          expect(figures[name]).toBe(batch[name]);
        const isSilent = trajectory.records.every((record) => record.proposal === null);
        if (!isSilent || trajectory.menu !== null) {
          expect(figures.knobs).toEqual(batch.knobs);
        }
        if (!isSilent) {
          const { top: _, ...pairs } = batch.pairs;
          expect(figures.pairs).toEqual(pairs);
        }
        expect(figures.keeps.first).toEqual(batch.keeps.first);
        expect(figures.keeps.best).toEqual(batch.keeps.best);
        expect(figures.keeps.topPairShare).toBe(batch.keeps.topPairShare);
        expect(figures.plateau).toEqual(batch.plateau);
        expect(figures.noise.degreesOfFreedom).toBe(batch.noise.degreesOfFreedom);
        expect(figures.noise.flipped).toBe(batch.noise.flipped.length);
        expectClose(figures.noise.sd, batch.noise.sd);
        expectClose(figures.noise.relative, batch.noise.relative);
        expectClose(figures.entropy.bits, entropyOf(trajectory));
        expectClose(figures.cost.wallSeconds, batch.cost.wallSeconds);
        expectClose(figures.cost.modelSecondsPerCall, batch.cost.modelSecondsPerCall);
        expectClose(figures.cost.energyKwh === null ? null : figures.cost.energyKwh * 1000, batch.cost.energyWh);
        expect(liveEvidence(live)).toEqual(healthEvidence(trajectory));
        expect(figures.health).toEqual(batch.health);
      }),
      { numRuns: 200 },
    );
  });

  it('can be analysed and reported in every form', () => {
    fc.assert(
      fc.property(trajectories, (trajectory) => {
        const analysis = analyze(trajectory);
        expect(VERDICTS).toContain(analysis.health.verdict);
        expect(analysis.health.reasons.length).toBeGreaterThan(0);
        expect(JSON.stringify(analysis)).not.toMatch(/undefined/);
        expect(
          reportText(trajectory, analysis, { width: 80 })
            .split('\n')
            .every((line) => line.length <= 80),
        ).toBe(true);
        expect(reportMarkdown(trajectory, analysis)).toContain('## Health');
        expect(reportHtml(trajectory, analysis)).not.toMatch(/="[^"]*(?:NaN|Infinity|undefined)/);
        expect(writeCsv(trajectory).split('\r\n').length).toBeGreaterThan(trajectory.records.length);
      }),
      { numRuns: 100 },
    );
  });

  it('keeps its outcomes and metrics through results.tsv', () => {
    fc.assert(
      fc.property(trajectories, (trajectory) => {
        const ran = trajectory.records.filter(
          (record) => record.outcome !== 'blocked' && record.outcome !== 'screened_out',
        );
        const back = readTrajectory(writeResultsTsv(trajectory), { goal: trajectory.metric.goal });
        expect(back.records).toHaveLength(ran.length);
        for (const [index, record] of ran.entries()) {
          const read = back.records[index];
          const isMeasured = record.outcome !== 'failed' && record.metric !== null && Number.isFinite(record.metric);
          if (!isMeasured) expect(read).toMatchObject({ outcome: 'failed', metric: null });
          else {
            expect(read?.outcome).toBe(record.outcome === 'kept' ? 'kept' : 'reverted');
            expect(read?.metric).toBe(Number(record.metric?.toFixed(6)));
          }
          // A description says in words what the proposal says in its own; only one of them fits into the column.
          if (record.description === undefined && record.proposal !== null)
            expect(read?.proposal).toMatchObject({ knob: record.proposal.knob, newValue: record.proposal.newValue });
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('any text', () => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.constantFrom(
      '{',
      '}',
      '{"type":"iteration"}',
      '{"iter":3}',
      '{"stage":"evaluated","iter":1e400}',
      '\t\t\tkeep',
      'a\tb\tc\tkeep\td',
      '[]',
      'null',
      '{"type":"run"}',
      '\0\0\0',
      '{"type":"end"}',
    ),
  );

  it('between good lines costs only itself', () => {
    const night = publishedNight().trimEnd().split('\n');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: night.length - 1 }), junk), { maxLength: 8 }),
        (insertions) => {
          const lines: string[] = [];
          for (const [index, line] of night.entries()) {
            for (const [at, text] of insertions)
              if (at === index) lines.push(...text.split('\n').filter((part) => !/"_meta"|"iter"|"stage"/.test(part)));
            lines.push(line);
          }
          const read = readTrajectory(lines.join('\r\n'));
          expect(read.records.filter((record) => record.proposal !== null)).toHaveLength(50);
          expect(analyze(read).kept).toBe(8);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is a trajectory or a bad_request that names a line, never another error', () => {
    fc.assert(
      fc.property(
        fc.array(junk, { maxLength: 12 }),
        fc.constantFrom(undefined, 'nightshift', 'field', 'results'),
        (lines, format) => {
          try {
            const read = readTrajectory(lines.join('\n'), { format: format as 'field' | undefined });
            expect(judgeHealth(healthEvidence(read)).reasons.length).toBeGreaterThan(0);
            analyze(read);
          } catch (error) {
            expect(error).toBeInstanceOf(AppError);
            expect((error as AppError).code).toBe('bad_request');
            expect((error as AppError).message).toMatch(/^line \d+: /);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('in the middle of an export is warned about with its line', () => {
    const trajectory = readTrajectory(publishedNight());
    const lines = writeTrajectory(trajectory).split('\n');
    lines.splice(3, 0, '{"type":"iteration","iter', 'hello');
    const read = readTrajectory(lines.join('\n'));
    expect(read.records).toHaveLength(50);
    expect(read.warnings.filter((warning) => OUR_WARNINGS.test(warning))).toEqual([
      'line 4: not a JSON object, skipped',
      'line 5: not a JSON object, skipped',
    ]);
  });
});
