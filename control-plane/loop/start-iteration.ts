import { changedKnobs, compileConstraints, configKey, type Config, type Menu } from '@nightshift/protocol';
import { listTriedConfigs, moveIteration, recordEvent, type IterationRow, type RunRow, type Tx } from '@nightshift/db';
import { gate } from '../policy/index.js';
import { queueJob } from './queue-job.js';

/** What a proposal changes: the incumbent, or always the baseline, as the spec says. */
export function comparatorOf(run: RunRow): { which: 'incumbent' | 'baseline'; config: Config; key: string } {
  return run.spec.decision.compare === 'baseline'
    ? { which: 'baseline', config: run.baselineConfig, key: run.baselineKey }
    : { which: 'incumbent', config: run.incumbentConfig, key: run.incumbentKey };
}

/**
 * Queues the candidate's first job. A proposal that was made before the incumbent changed is put on the new incumbent and
 * gated again; when a rail now blocks it, it goes back to the proposer with the verdict.
 */
export async function startIteration(tx: Tx, run: RunRow, iteration: IterationRow): Promise<void> {
  const comparator = comparatorOf(run);
  const { proposal } = iteration;
  if (!proposal || !iteration.config || !iteration.configKey)
    throw new Error(`iteration ${iteration.id} was accepted without a proposal`);
  let config = iteration.config;
  let key = iteration.configKey;
  let repeatOf = iteration.repeatOf;
  if (iteration.comparatorKey !== comparator.key) {
    const menu = run.spec.menu as Menu;
    const tried = new Set((await listTriedConfigs(tx, run.id, iteration.id)).map((row) => row.configKey));
    const verdict = gate(
      { knob: proposal.knob, new_value: proposal.newValue, reason: proposal.reason },
      {
        menu,
        constraints: compileConstraints(menu),
        comparator: comparator.config,
        measured: (k) => tried.has(k),
        repeat: run.spec.policy.repeat,
      },
    );
    if (verdict.verdict === 'block') {
      const blocked = [
        ...iteration.blocked,
        {
          rail: verdict.rail,
          reason: `after the incumbent changed: ${verdict.reason}`,
          raw: JSON.stringify(proposal).slice(0, 2000),
          proposer: iteration.proposer ?? 'sampler',
        },
      ];
      const isOurs = iteration.proposer !== 'external';
      await moveIteration(tx, iteration.id, 'accepted', isOurs ? 'proposing' : 'blocked', {
        blocked,
        ...(isOurs
          ? { proposal: null, config: null, configKey: null, comparatorKey: null, proposer: null, acceptedAt: null }
          : { endedAt: new Date() }),
      });
      await recordEvent(tx, {
        type: isOurs ? 'iteration.returned' : 'iteration.blocked',
        runId: run.id,
        payload: { iteration: iteration.number, rail: verdict.rail, reason: verdict.reason },
      });
      return;
    }
    ({ config, repeatOf } = verdict);
    key = configKey(config);
  }
  const isMoved = await moveIteration(tx, iteration.id, 'accepted', 'measuring', {
    config,
    configKey: key,
    comparatorKey: comparator.key,
    repeatOf,
    measuringAt: new Date(),
  });
  if (!isMoved) return;
  await queueJob(tx, run, {
    iterationId: iteration.id,
    iteration: iteration.number,
    role: 'candidate',
    replicate: 1,
    config,
    configKey: key,
  });
  await recordEvent(tx, {
    type: 'iteration.measuring',
    runId: run.id,
    payload: { iteration: iteration.number, proposal, changed: changedKnobs(comparator.config, config) },
  });
}
