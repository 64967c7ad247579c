import {
  changedKnobs,
  compileConstraints,
  measureKey,
  type CodeProposal,
  type Config,
  type Menu,
  type Rail,
} from '@nightshift/protocol';
import {
  insertCodeState,
  listTriedConfigs,
  moveIteration,
  recordEvent,
  type IterationRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { gate } from '../policy/index.js';
import { codeContextOf, codeKeyFor, rebasePatch } from './code-gate.js';
import { measuredKeys } from './measured-keys.js';
import { comparatorOf, type Comparator } from './comparator.js';
import { queueJob } from './queue-job.js';
import { screenCandidate } from './screen-candidate.js';

type Rebased =
  | { config: Config; codeKey: string | null; repeatOf: string | null; patch: CodeProposal | null }
  | { rail: Rail; reason: string };

/**
 * Queues the candidate's first job. A proposal that was made before the incumbent changed is put on the new incumbent and
 * gated again; when a rail now blocks it, it goes back to the proposer with the verdict.
 */
export async function startIteration(tx: Tx, run: RunRow, iteration: IterationRow): Promise<void> {
  const comparator = comparatorOf(run);
  if (!iteration.proposal || !iteration.config || !iteration.configKey)
    throw new Error(`iteration ${iteration.id} was accepted without a proposal`);
  let what: { config: Config; codeKey: string | null; repeatOf: string | null; patch: CodeProposal | null } = {
    config: iteration.config,
    codeKey: iteration.codeKey,
    repeatOf: iteration.repeatOf,
    patch: iteration.patch as CodeProposal | null,
  };
  let { standsOn } = iteration;
  if (iteration.comparatorKey !== comparator.key) {
    const rebased = what.patch
      ? await rebaseCode(tx, run, iteration, comparator, what.patch)
      : await rebaseKnob(tx, run, iteration, comparator);
    if ('rail' in rebased) return sendBack(tx, run, iteration, rebased);
    what = rebased;
    standsOn = null;
  }
  const configKey = measureKey(what.config, what.codeKey);
  const isMoved = await moveIteration(tx, iteration.id, 'accepted', 'measuring', {
    ...what,
    configKey,
    standsOn,
    comparatorKey: comparator.key,
    measuringAt: iteration.measuringAt ?? new Date(),
  });
  if (!isMoved) return;
  if (!(await screenCandidate(tx, run, iteration, { ...what, configKey })))
    await queueJob(tx, run, {
      iterationId: iteration.id,
      iteration: iteration.number,
      role: 'candidate',
      replicate: iteration.repairs + 1,
      config: what.config,
      configKey,
    });
  await recordEvent(tx, {
    type: 'iteration.measuring',
    runId: run.id,
    payload: {
      iteration: iteration.number,
      proposal: iteration.proposal,
      changed: what.patch
        ? what.patch.patch.files.map((file) => file.path)
        : changedKnobs(comparator.config, what.config),
    },
  });
}

async function rebaseKnob(tx: Tx, run: RunRow, iteration: IterationRow, comparator: Comparator): Promise<Rebased> {
  const menu = run.spec.menu as Menu;
  const proposal = iteration.proposal as NonNullable<IterationRow['proposal']>;
  const tried = measuredKeys(await listTriedConfigs(tx, run.id, iteration.id));
  const verdict = gate(
    { knob: proposal.knob, new_value: proposal.newValue, reason: proposal.reason },
    {
      menu,
      constraints: compileConstraints(menu),
      comparator: comparator.config,
      measured: (key) => tried.has(comparator.codeKey === null ? key : `${key}@${comparator.codeKey}`),
      repeat: run.spec.policy.repeat,
    },
  );
  if (verdict.verdict === 'block') return verdict;
  return { config: verdict.config, codeKey: comparator.codeKey, repeatOf: verdict.repeatOf, patch: null };
}

async function rebaseCode(
  tx: Tx,
  run: RunRow,
  iteration: IterationRow,
  comparator: Comparator,
  proposal: CodeProposal,
): Promise<Rebased> {
  const verdict = rebasePatch(proposal.patch.diff, proposal, await codeContextOf(tx, run, comparator, iteration.id));
  if (verdict.verdict === 'block') return verdict;
  await insertCodeState(tx, verdict.treeHash, verdict.files);
  return {
    config: comparator.config,
    codeKey: codeKeyFor(run, verdict.treeHash),
    repeatOf: verdict.repeatOf,
    patch: verdict.proposal,
  };
}

async function sendBack(
  tx: Tx,
  run: RunRow,
  iteration: IterationRow,
  verdict: { rail: Rail; reason: string },
): Promise<void> {
  const raw = JSON.stringify(iteration.patch ?? iteration.proposal).slice(0, 2000);
  const reason = `after the incumbent changed: ${verdict.reason}`;
  const blocked = [
    ...iteration.blocked,
    { rail: verdict.rail, reason, raw, proposer: iteration.proposer ?? 'sampler' },
  ];
  const isOurs = iteration.proposer !== 'external';
  await moveIteration(tx, iteration.id, 'accepted', isOurs ? 'proposing' : 'blocked', {
    blocked,
    ...(isOurs
      ? {
          proposal: null,
          config: null,
          configKey: null,
          codeKey: null,
          patch: null,
          comparatorKey: null,
          standsOn: null,
          proposer: null,
          acceptedAt: null,
        }
      : { endedAt: new Date() }),
  });
  await recordEvent(tx, {
    type: isOurs ? 'iteration.returned' : 'iteration.blocked',
    runId: run.id,
    payload: { iteration: iteration.number, rail: verdict.rail, reason: verdict.reason },
  });
}
