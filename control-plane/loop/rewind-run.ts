import { AppError, codeKeyOf, type Config, type Spec } from '@nightshift/protocol';
import { findEarlierSession, findIteration, findRun, type Queryable, type RunRow } from '@nightshift/db';
import { createRun, type Start } from './create-run.js';
import type { LoopDeps } from './deps.js';

/**
 * Starts a new run where an earlier one stood after a kept iteration (0: at its baseline): its baseline has that code and those knobs, and
 * its branch goes on from that commit. What came after stays in the ledger of the earlier run.
 * @param options.iterations instead of the spec's own limit.
 * @throws AppError not_found, illegal_state: no such iteration, or one that was not kept.
 */
export async function rewindRun(
  deps: Pick<LoopDeps, 'db' | 'wake'>,
  runId: string,
  iteration: number,
  options: { iterations?: number | undefined; notes?: string | null } = {},
): Promise<RunRow> {
  const run = await findRun(deps.db, runId);
  if (!run) throw new AppError('not_found', `there is no run ${runId}`);
  const { config, codeKey } = await stateAfter(deps.db, run, iteration);
  const start: Start = {
    config,
    // The source's own code needs no overlay: a box tells it, as in every run.
    codeKey: codeKey === run.baselineCodeKey ? codeKeyOf(run.baselineKey) : codeKey,
    baseCommit: run.baseCommit,
    basePrefix: run.basePrefix,
    evaluatorReads: run.evaluatorReads,
  };
  const { edit, menu, stop } = run.spec;
  const knobs = Object.entries(menu?.knobs ?? {}).map(([name, knob]) => [
    name,
    { ...knob, default: config[name] ?? knob.default },
  ]);
  const spec: Spec = {
    ...run.spec,
    menu: menu && { ...menu, knobs: Object.fromEntries(knobs) },
    stop: { ...stop, iterations: options.iterations ?? stop.iterations },
    ...(edit ? { startsFrom: { runId: run.id, iteration } } : {}),
  };
  const earlier = run.earlierFigures === null ? null : await findEarlierSession(deps.db, run.id);
  return createRun(deps, spec, { notes: options.notes ?? run.notes, start, earlier });
}

async function stateAfter(
  q: Queryable,
  run: RunRow,
  number: number,
): Promise<{ config: Config; codeKey: string | null }> {
  if (number === 0) return { config: run.baselineConfig, codeKey: run.baselineCodeKey };
  const row = await findIteration(q, run.id, number);
  if (!row) throw new AppError('not_found', `run ${run.id} has no iteration ${number}`);
  if (row.state !== 'kept' || !row.config)
    throw new AppError('illegal_state', `iteration ${number} is ${row.state}: a run goes on from what was kept`);
  return { config: row.config, codeKey: row.codeKey ?? run.baselineCodeKey };
}
