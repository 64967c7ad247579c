import { listJobsOfRun, listMeasurements, recordEvent, updateRun, type RunRow, type Tx } from '@nightshift/db';
import { estimateNoise } from '../decision/index.js';
import { queueJob } from './queue-job.js';

/** Ends after which a run may still train: the others say that there is no more to spend. */
const MAY_CONFIRM: ReadonlySet<string> = new Set(['iterations', 'plateau', 'target', 'menu_exhausted']);

/**
 * The search is over: queues the measurements of the incumbent that `decision.confirm` asks for, on the box that measured it
 * last, and keeps why the search ended, so that what they measure can neither reopen it nor change its reason. What a
 * configuration was chosen by is luck in part; a report may rest on what was measured afterwards alone.
 * @returns false when the run may end at once: nothing was kept, repeats are exactly equal, or there is nothing left to spend.
 */
export async function confirmIncumbent(tx: Tx, run: RunRow, end: { reason: string; detail: string }): Promise<boolean> {
  const wanted = run.spec.decision.confirm ?? 0;
  if (run.searchEnd !== null || !MAY_CONFIRM.has(end.reason)) return false;
  if (wanted === 0 || run.incumbentKey === run.baselineKey) return false;
  const measurements = await listMeasurements(tx, run.id);
  const groups = new Map<string, number[]>();
  for (const { configKey, metric } of measurements) groups.set(configKey, [...(groups.get(configKey) ?? []), metric]);
  if (estimateNoise([...groups.values()]).sd === 0) return false;
  const audits = (await listJobsOfRun(tx, run.id)).filter((job) => job.role === 'audit' && job.iterationId === null);
  const jobIds: string[] = [];
  for (let i = 1; i <= wanted; i++) {
    const job = await queueJob(tx, run, {
      iterationId: null,
      iteration: null,
      role: 'audit',
      replicate: audits.length + i,
      config: run.incumbentConfig,
      configKey: run.incumbentKey,
      pinnedBoxId: measurements.findLast(({ configKey }) => configKey === run.incumbentKey)?.boxId ?? null,
    });
    if (job) jobIds.push(job.id);
  }
  await updateRun(tx, run.id, { searchEnd: { reason: end.reason, detail: end.detail, jobIds } });
  await recordEvent(tx, {
    type: 'run.confirming',
    runId: run.id,
    payload: { iteration: run.incumbentIteration, measurements: jobIds.length },
  });
  return true;
}
