import { findIterationById, findRun, listAudits, updateRun, type RunRow, type Tx } from '@nightshift/db';
import { emptyLive, updateLive, type Live } from '../trajectory/live.js';
import { actOnHealth } from './act-on-health.js';
import { loadRecord, loadTrajectory } from './trajectory-of-run.js';

/** Live figures, and how many measurements of comparators (audits) are in them. */
type StoredLive = Live & { audits?: number };

/**
 * Adds an iteration that has just ended to the run's live figures and lets the health verdict act, in the transaction of its end. Constant
 * work, but after an audit: that changes what is known of iterations before it, and the figures are made anew.
 */
export async function updateLiveFigures(tx: Tx, run: RunRow, iterationId: string): Promise<void> {
  const iteration = await findIterationById(tx, iterationId);
  const record = iteration ? await loadRecord(tx, iteration) : null;
  const current = await findRun(tx, run.id);
  if (!record || !current) return;
  const known = current.live as StoredLive | null;
  const audits = (await listAudits(tx, run.id)).length;
  const isCurrent = known !== null && (known.audits ?? 0) === audits;
  const next = isCurrent ? updateLive(known, record) : await makeLive(tx, current);
  await updateRun(tx, run.id, { live: { ...next, audits } satisfies StoredLive });
  await actOnHealth(tx, current, next, iteration?.number ?? 0);
}

/** Brings the figures up to date with audits that ended after the last iteration; called before the run ends. */
export async function takeInAudits(tx: Tx, run: RunRow): Promise<void> {
  const known = run.live as StoredLive | null;
  const audits = (await listAudits(tx, run.id)).length;
  if (known === null || (known.audits ?? 0) === audits) return;
  await updateRun(tx, run.id, { live: { ...(await makeLive(tx, run)), audits } satisfies StoredLive });
}

async function makeLive(tx: Tx, run: RunRow): Promise<Live> {
  const trajectory = await loadTrajectory(tx, run);
  return trajectory.records.reduce(updateLive, emptyLive(trajectory));
}
