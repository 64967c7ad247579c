import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { IterationSeen } from './client.js';
import type { World } from './harness.js';
import type { LedgerLine } from './toy.js';

const ENDS = ['kept', 'reverted', 'inconclusive', 'failed', 'blocked', 'cancelled'];

/** Every iteration of an ended run has one end, in its row and in the events; decided ones have their decision. */
export async function expectOneDecisionEach(world: World, runId: string): Promise<IterationSeen[]> {
  const iterations = await world.client.iterations(runId);
  expect(iterations.map((iteration) => iteration.number)).toEqual(iterations.map((_, i) => i + 1));
  const ends = world.events.of(runId, ...ENDS.map((end) => `iteration.${end}`));
  for (const iteration of iterations) {
    const told = ends.filter((event) => event.payload.iteration === iteration.number).map((event) => event.type);
    expect(told, `iteration ${iteration.number}`).toEqual([`iteration.${iteration.state}`]);
    const isDecided = ['kept', 'reverted', 'inconclusive'].includes(iteration.state);
    expect(iteration.decision !== null, `decision of ${iteration.number} (${iteration.state})`).toBe(isDecided);
  }
  return iterations;
}

/**
 * Every job of an ended run was given out once, ran once, and ended once; its log is what it wrote, byte for byte, its
 * points came once each and in order, and its number is the one that it printed.
 */
export async function expectMeasuredOnce(world: World, runId: string, ledger: LedgerLine[]): Promise<void> {
  const jobs = await world.client.jobs(runId);
  for (const job of jobs) {
    const attempts = await world.client.attempts(job.id);
    expect(attempts, job.id).toHaveLength(1);
    const ends = world.events
      .of(runId, 'job.succeeded', 'job.failed', 'job.timed_out', 'job.cancelled', 'job.lost')
      .filter((event) => event.payload.jobId === job.id);
    expect(ends.map((event) => event.type)).toEqual([`job.${job.state}`]);
    const lines = ledger.filter((line) => line.attemptId === attempts[0]?.id);
    expect(lines, `runs of ${job.id}`).toHaveLength(1);
    const [line] = lines as [LedgerLine];
    const log = await world.client.log(job.id, 65_536);
    expect(log.length).toBe(line.bytes);
    expect(createHash('sha256').update(log).digest('hex')).toBe(line.sha256);
    const points = await world.client.points(job.id, 'loss');
    expect(points.map((point) => point.step)).toEqual(Array.from({ length: line.points }, (_, i) => i));
    expect(job.metric).toBe(line.score);
  }
  expect(world.jobProcesses()).toEqual([]);
}
