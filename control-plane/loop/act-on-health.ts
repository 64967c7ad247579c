import { listJobsOfRun, moveRun, recordEvent, updateRun, type RunRow, type Tx } from '@nightshift/db';
import { liveFigures, type Live } from '../trajectory/index.js';
import { EMPTY_PLAYBOOK, reviewPlaybook, type Playbook } from '../trajectory/playbook.js';
import { queueJob } from './queue-job.js';

/** After an iteration has ended: scores the playbook's last action and takes the next one that the health verdict calls for. */
export async function actOnHealth(tx: Tx, run: RunRow, live: Live, iteration: number): Promise<void> {
  const { spec } = run;
  if (!spec.health.act) return;
  const figures = liveFigures(live);
  const review = reviewPlaybook(
    (run.playbook as Playbook | null) ?? EMPTY_PLAYBOOK,
    figures.health,
    {
      iteration,
      kept: figures.kept,
      uniquePairs: figures.pairs.unique,
      touched: figures.knobs.touched,
      improvement: figures.keeps.best?.improvement ?? null,
    },
    {
      hasModel: spec.proposer.model !== null && spec.proposer.kind !== 'external',
      mayReflect: spec.proposer.model !== null && spec.proposer.reflect !== 'off',
      untouched: spec.proposer.kind === 'external' ? 0 : (figures.knobs.untouched?.length ?? 0),
      pauseAfter: spec.health.pauseAfter,
    },
  );
  await updateRun(tx, run.id, { playbook: review.playbook });
  for (const { kind, from, until, score } of review.scored)
    await recordEvent(tx, { type: 'health.scored', runId: run.id, payload: { kind, from, until, score } });
  if (!review.started) return;
  const { kind, verdict, reasons, until } = review.started;
  await recordEvent(tx, {
    type: 'health.action',
    runId: run.id,
    payload: { kind, verdict, reasons, iteration, until },
  });
  if (kind === 'pause') {
    await moveRun(tx, run.id, ['running'], 'paused', { pausedAt: new Date(), pausedFrom: 'running' });
    await recordEvent(tx, {
      type: 'run.paused',
      runId: run.id,
      payload: { why: `${verdict}: no remedy helped`, reasons },
    });
  }
  if (kind === 'replicate_incumbent') await replicateIncumbent(tx, run);
}

// One more measurement of what everything is compared with: a plateau may be a lucky incumbent.
async function replicateIncumbent(tx: Tx, run: RunRow): Promise<void> {
  const audits = (await listJobsOfRun(tx, run.id)).filter((job) => job.role === 'audit' && job.iterationId === null);
  const replicate = audits.length + 1;
  await queueJob(tx, run, {
    iterationId: null,
    iteration: null,
    role: 'audit',
    replicate,
    config: run.incumbentConfig,
    configKey: run.incumbentKey,
  });
}
