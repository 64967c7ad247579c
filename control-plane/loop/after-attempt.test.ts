import { describe, expect, test } from 'vitest';
import type { ExitRecord } from '@nightshift/protocol';
import { exitOf } from '../testing/paper-box.js';
import { BREAKER_FAILURES, fateOfBox, fateOfJob, judgeExit, MAX_ATTEMPTS, RETRY_MS } from './after-attempt.js';

const metric = { name: 'loss', goal: 'minimize' as const, bounds: [0, 10] as [number, number] };
const live = { attempt: 1, isEndAsked: false, hopeless: null, hasRoomierBox: false };
const outcome = (reason: ExitRecord['reason'], value: number | null = null) => ({
  reason,
  detail: 'why',
  metric: value,
});

describe('what a box says of an end', () => {
  test('is a measurement only with a finite number within the bounds', () => {
    expect(judgeExit(exitOf('completed', 1), metric)).toMatchObject({ reason: 'completed', metric: 1 });
    expect(judgeExit(exitOf('completed', null), metric)).toMatchObject({ reason: 'no_metric', metric: null });
    expect(judgeExit(exitOf('completed', 11), metric)).toMatchObject({ reason: 'metric_out_of_bounds', metric: null });
    const infinite = { ...exitOf('completed', null), metric: 'Infinity' as const };
    expect(judgeExit(infinite, metric)).toMatchObject({ reason: 'diverged', metric: null });
  });

  test('is no measurement when the job failed, whatever it reported before', () => {
    expect(judgeExit(exitOf('crash', 1), metric)).toMatchObject({ reason: 'crash', metric: null });
  });
});

describe('the job', () => {
  test('is given out again after failures of the infrastructure, with doubling pauses, and not for ever', () => {
    const pauses = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, i) =>
      fateOfJob(outcome('box_lost'), { ...live, attempt: i + 1 }),
    );
    expect(pauses).toEqual([1, 2, 4, 8].map((times) => ({ kind: 'again', pauseMs: RETRY_MS * times })));
    expect(fateOfJob(outcome('box_lost'), { ...live, attempt: MAX_ATTEMPTS })).toMatchObject({
      kind: 'over',
      state: 'lost',
    });
  });

  test('is over when the candidate failed or was measured', () => {
    expect(fateOfJob(outcome('crash'), live)).toMatchObject({ kind: 'over', state: 'failed', reason: 'crash' });
    expect(fateOfJob(outcome('completed', 1), live)).toMatchObject({ kind: 'over', state: 'succeeded' });
  });

  test('is over when it filled a disk, unless a box with much more room may have it', () => {
    const roomy = { ...live, hasRoomierBox: true };
    expect(fateOfJob(outcome('disk_filled'), live)).toMatchObject({ kind: 'over', state: 'failed' });
    expect(fateOfJob(outcome('disk_filled'), roomy)).toMatchObject({ kind: 'again' });
    expect(fateOfJob(outcome('disk_filled'), { ...roomy, isEndAsked: true })).toMatchObject({ reason: 'disk_filled' });
    expect(fateOfJob(outcome('crash'), roomy)).toMatchObject({ kind: 'over', reason: 'crash' });
  });

  test('is given out again when a box ended it and nobody had asked', () => {
    expect(fateOfJob(outcome('cancelled'), live)).toMatchObject({ kind: 'again' });
  });

  test('is not given out again once its end was asked for, and counts when it was measured all the same', () => {
    const asked = { ...live, isEndAsked: true };
    expect(fateOfJob(outcome('box_lost'), asked)).toMatchObject({ kind: 'over', reason: 'cancelled' });
    expect(fateOfJob(outcome('cancelled'), asked)).toMatchObject({ kind: 'over', reason: 'cancelled' });
    expect(fateOfJob(outcome('completed', 1), asked)).toMatchObject({ kind: 'over', reason: 'completed' });
  });

  test('tells why it was hopeless when it was stopped early', () => {
    const known = { ...live, isEndAsked: true, hopeless: 'far behind' };
    expect(fateOfJob(outcome('cancelled'), known)).toEqual({
      kind: 'over',
      state: 'failed',
      reason: 'stopped_early',
      detail: 'far behind',
    });
  });
});

describe('the box', () => {
  test('is cordoned with its reason after failures of its own in a row', () => {
    const before = { infraFailures: BREAKER_FAILURES - 1, isCordoned: false };
    expect(fateOfBox(outcome('disk_full'), { ...before, infraFailures: 0 })).toEqual({
      infraFailures: 1,
      cordon: null,
    });
    expect(fateOfBox(outcome('disk_full'), before)).toEqual({
      infraFailures: BREAKER_FAILURES,
      cordon: '3 failures of the infrastructure in a row, the last: disk_full (why)',
    });
  });

  test('answers once for a full disk that ends several jobs', () => {
    const near = { infraFailures: BREAKER_FAILURES - 1, isCordoned: false, hasTold: true };
    expect(fateOfBox(outcome('disk_full'), near)).toBeNull();
    expect(fateOfBox(outcome('internal_error'), near)?.infraFailures).toBe(BREAKER_FAILURES);
  });

  test('keeps the reason of whoever cordoned it before', () => {
    expect(fateOfBox(outcome('disk_full'), { infraFailures: 9, isCordoned: true })?.cordon).toBeNull();
  });

  test('is not blamed for what a project got wrong, and is forgiven by any other end', () => {
    expect(fateOfBox(outcome('setup_failed'), { infraFailures: 2, isCordoned: false })).toBeNull();
    const near = { infraFailures: BREAKER_FAILURES - 1, isCordoned: false };
    expect(fateOfBox(outcome('disk_filled'), near)).toEqual({ infraFailures: 0, cordon: null });
    expect(fateOfBox(outcome('crash'), { infraFailures: 2, isCordoned: false })).toEqual({
      infraFailures: 0,
      cordon: null,
    });
    expect(fateOfBox(outcome('completed', 1), { infraFailures: 0, isCordoned: false })).toBeNull();
  });
});
