import { createHash } from 'node:crypto';
import type { AttemptSeen, JobSeen } from './client.js';
import type { World } from './harness.js';
import type { LedgerLine } from './toy.js';

const ENDS = ['kept', 'reverted', 'inconclusive', 'failed', 'blocked', 'cancelled', 'screened_out'];
const DECIDED = ['kept', 'reverted', 'inconclusive'];

export interface Counts {
  iterations: number;
  decisions: number;
  jobs: number;
  attempts: number;
  logBytes: number;
  points: number;
}

/**
 * Compares an ended run, as the API tells it, with what its jobs wrote down about themselves.
 * Every iteration has one end in its row and in the events; every job one counted result, from an attempt that ran once;
 * its log is what it wrote, byte for byte; its points came once each and in order; its number is the one it printed.
 * @returns what does not hold; and how much was looked at.
 */
export async function faultsOfRun(
  world: World,
  runId: string,
  ledger: LedgerLine[],
): Promise<{ faults: string[]; counts: Counts }> {
  const faults: string[] = [];
  const counts: Counts = { iterations: 0, decisions: 0, jobs: 0, attempts: 0, logBytes: 0, points: 0 };
  const iterations = await world.client.iterations(runId);
  const ends = world.events.of(runId, ...ENDS.map((end) => `iteration.${end}`));
  for (const [i, { number, state, decision }] of iterations.entries()) {
    counts.iterations++;
    if (decision) counts.decisions++;
    if (number !== i + 1) faults.push(`iteration ${number} stands at place ${i + 1}`);
    const told = ends.filter((event) => event.payload.iteration === number).map((event) => event.type);
    if (told.length !== 1 || told[0] !== `iteration.${state}`)
      faults.push(`iteration ${number} is ${state}, and the events tell: ${told.join(', ') || 'nothing'}`);
    if ((decision !== null) !== DECIDED.includes(state))
      faults.push(`iteration ${number} is ${state} with${decision ? '' : 'out'} a decision`);
  }
  for (const job of await world.client.jobs(runId)) {
    counts.jobs++;
    const attempts = await world.client.attempts(job.id);
    counts.attempts += attempts.length;
    faults.push(
      ...(await faultsOfJob(world, runId, job, attempts, ledger, counts)).map((fault) => `${job.id}: ${fault}`),
    );
  }
  return { faults, counts };
}

async function faultsOfJob(
  world: World,
  runId: string,
  job: JobSeen,
  attempts: AttemptSeen[],
  ledger: LedgerLine[],
  counts: Counts,
): Promise<string[]> {
  const faults: string[] = [];
  const told = world.events
    .of(runId, 'job.succeeded', 'job.failed', 'job.timed_out', 'job.cancelled', 'job.lost')
    .filter((event) => event.payload.jobId === job.id)
    .map((event) => event.type);
  if (told.length !== 1 || told[0] !== `job.${job.state}`)
    faults.push(`is ${job.state}, and the events tell: ${told.join(', ')}`);
  for (const attempt of attempts) {
    const runs = ledger.filter((line) => line.attemptId === attempt.id).length;
    if (runs > 1) faults.push(`attempt ${attempt.number} ran ${runs} times`);
    if (attempt.exit && attempt.exit.leftPids.length > 0)
      faults.push(`attempt ${attempt.number} left ${attempt.exit.leftPids.join(' ')}`);
  }
  if (job.state !== 'succeeded') return faults;
  const counted = attempts.filter((attempt) => attempt.state === 'ended' && attempt.exit?.['reason'] === 'completed');
  const [attempt] = counted;
  if (counted.length !== 1 || !attempt || attempt.number !== job.attempt) {
    faults.push(`${counted.length} of its ${attempts.length} attempts count`);
    return faults;
  }
  const line = ledger.find((one) => one.attemptId === attempt.id);
  if (!line) {
    faults.push('has succeeded without having run to its end');
    return faults;
  }
  const log = await world.client.log(job.id, 262_144);
  counts.logBytes += log.length;
  if (log.length !== line.bytes) faults.push(`its log has ${log.length} bytes, it wrote ${line.bytes}`);
  else if (createHash('sha256').update(log).digest('hex') !== line.sha256)
    faults.push('its log has other bytes than it wrote');
  const points = await world.client.points(job.id, 'loss');
  counts.points += points.length;
  if (points.length !== line.points || points.some(({ step, value }, i) => step !== i || value !== i / 8))
    faults.push(`it has ${points.length} points or another order, it reported ${line.points}`);
  if (job.metric !== line.score) faults.push(`its metric is ${job.metric}, it printed ${line.score}`);
  return faults;
}
