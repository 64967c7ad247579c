import { findIterationById, findRun, listBaselineJobs, updateRun, type RunRow, type Tx } from '@nightshift/db';
import { emptyLive, updateLive, type Live } from '../trajectory/live.js';
import { meanOf } from '../trajectory/measurements.js';
import { actOnHealth } from './act-on-health.js';
import { loadRecord } from './trajectory-of-run.js';

/** Adds an iteration that has just ended to the run's live figures and lets the health verdict act: constant work, in the transaction of its end. */
export async function updateLiveFigures(tx: Tx, run: RunRow, iterationId: string): Promise<void> {
  const iteration = await findIterationById(tx, iterationId);
  const record = iteration ? await loadRecord(tx, iteration) : null;
  if (!record) return;
  const current = await findRun(tx, run.id);
  const live = (current?.live as Live | null) ?? (await freshLive(tx, run));
  const next = updateLive(live, record);
  await updateRun(tx, run.id, { live: next });
  if (current) await actOnHealth(tx, current, next, iteration?.number ?? 0);
}

async function freshLive(tx: Tx, run: RunRow): Promise<Live> {
  const values = (await listBaselineJobs(tx, run.id)).flatMap((job) => (job.metric === null ? [] : [job.metric]));
  return emptyLive({
    metric: { name: run.spec.metric.name, goal: run.spec.metric.goal },
    menu: run.spec.menu,
    baseline: {
      config: run.baselineConfig,
      values,
      value: meanOf(values),
    },
  });
}
