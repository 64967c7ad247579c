import { listJobsOfRun, listMeasurements, recordEvent, updateRun, type RunRow, type Tx } from '@nightshift/db';
import { estimateNoise } from '../decision/index.js';
import { queueJob } from './queue-job.js';

/** Ends after which a run may still train: the others say that there is no more to spend. */
const MAY_CONFIRM: ReadonlySet<string> = new Set(['iterations', 'plateau', 'target', 'menu_exhausted']);

/**
 * The search is over: queues the measurements that `decision.confirm` asks for, the incumbent's and the baseline's in turns (a box
 * that has changed since the run began would pass for an effect), on the box that measured the incumbent last. Keeps why the search
 * ended, so that they can neither reopen it nor change its reason. Why at all: docs/decisions.md, the reported best.
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
  const both = [
    { config: run.incumbentConfig, configKey: run.incumbentKey },
    { config: run.baselineConfig, configKey: run.baselineKey },
  ];
  for (const what of Array.from({ length: wanted }, () => both).flat()) {
    const job = await queueJob(tx, run, {
      iterationId: null,
      iteration: null,
      role: 'audit',
      replicate: audits.length + jobIds.length + 1,
      ...what,
      pinnedBoxId: measurements.findLast(({ configKey }) => configKey === run.incumbentKey)?.boxId ?? null,
    });
    if (job) jobIds.push(job.id);
  }
  await updateRun(tx, run.id, { searchEnd: { reason: end.reason, detail: end.detail, jobIds } });
  await recordEvent(tx, {
    type: 'run.confirming',
    runId: run.id,
    payload: { iteration: run.incumbentIteration, measurements: wanted },
  });
  return true;
}
