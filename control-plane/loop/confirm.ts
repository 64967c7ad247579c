import { listJobsOfRun, listMeasurements, recordEvent, type JobRow, type RunRow, type Tx } from '@nightshift/db';
import { estimateNoise } from '../decision/index.js';
import { queueJob } from './queue-job.js';

/** Ends after which a run may still train: the others say that there is no more to spend. */
const MAY_CONFIRM: ReadonlySet<string> = new Set(['iterations', 'plateau', 'target', 'menu_exhausted']);

export function mayConfirm(endReason: string): boolean {
  return MAY_CONFIRM.has(endReason);
}

/** Measurements of the incumbent that no decision asked for: what chose it had no part in them. */
export function isConfirmation(job: Pick<JobRow, 'role' | 'iterationId' | 'configKey'>, incumbentKey: string): boolean {
  return job.role === 'audit' && job.iterationId === null && job.configKey === incumbentKey;
}

/**
 * The search is over: queues what `decision.confirm` still asks for, on the box that measured the incumbent last. The
 * measurements that a configuration was chosen by are lucky ones; a report may rest on those alone that came afterwards.
 * @returns false when nothing is to be measured: nothing was kept, all is there already, or repeats are exactly equal.
 */
export async function confirmIncumbent(tx: Tx, run: RunRow): Promise<boolean> {
  const wanted = run.spec.decision.confirm ?? 0;
  if (wanted === 0 || run.incumbentKey === run.baselineKey) return false;
  const audits = (await listJobsOfRun(tx, run.id)).filter((job) => job.role === 'audit' && job.iterationId === null);
  const there = audits.filter((job) => isConfirmation(job, run.incumbentKey) && job.state !== 'cancelled').length;
  if (there >= wanted) return false;
  const measurements = await listMeasurements(tx, run.id);
  const groups = new Map<string, number[]>();
  for (const { configKey, metric } of measurements) groups.set(configKey, [...(groups.get(configKey) ?? []), metric]);
  if (estimateNoise([...groups.values()]).sd === 0) return false;
  for (let i = there; i < wanted; i++)
    await queueJob(tx, run, {
      iterationId: null,
      iteration: null,
      role: 'audit',
      replicate: audits.length + 1 + i - there,
      config: run.incumbentConfig,
      configKey: run.incumbentKey,
      pinnedBoxId: measurements.findLast(({ configKey }) => configKey === run.incumbentKey)?.boxId ?? null,
    });
  await recordEvent(tx, {
    type: 'run.confirming',
    runId: run.id,
    payload: { iteration: run.incumbentIteration, measurements: wanted - there },
  });
  return true;
}
