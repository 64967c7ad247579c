// The three verbs of a person at the wheel share one shape, so they share a file.
import { AppError } from '@nightshift/protocol';
import { findRun, lockRun, moveRun, recordEvent, updateRun, type RunRow } from '@nightshift/db';
import type { LoopDeps } from './deps.js';

type Deps = Pick<LoopDeps, 'db' | 'wake'>;

/** Lets what trains end and be decided, and starts nothing new. Pausing a paused run changes nothing. */
export function pauseRun(deps: Deps, id: string): Promise<RunRow> {
  return steer(deps, id, async (run, tx) => {
    if (run.state === 'paused') return;
    if (run.stopRequestedAt) throw new AppError('illegal_state', 'the run is being stopped and cannot be paused');
    await moveRun(tx, id, [run.state], 'paused', { pausedAt: new Date(), pausedFrom: run.state });
    await recordEvent(tx, { type: 'run.paused', runId: id });
  });
}

/** Goes on where the pause began. Resuming a run that is not paused changes nothing. */
export function resumeRun(deps: Deps, id: string): Promise<RunRow> {
  return steer(deps, id, async (run, tx) => {
    if (run.state !== 'paused' || run.pausedFrom === null) return;
    await moveRun(tx, id, ['paused'], run.pausedFrom, { pausedAt: null, pausedFrom: null });
    await recordEvent(tx, { type: 'run.resumed', runId: id });
  });
}

/** Asks for the end of the run: its jobs are stopped on their boxes, then the run is `stopped`. */
export function stopRun(deps: Deps, id: string): Promise<RunRow> {
  return steer(deps, id, async (run, tx) => {
    if (run.stopRequestedAt) return;
    await updateRun(tx, id, { stopRequestedAt: new Date() });
    await recordEvent(tx, { type: 'run.stopping', runId: id });
  });
}

async function steer(
  deps: Deps,
  id: string,
  act: (run: RunRow, tx: Parameters<Parameters<Deps['db']['transaction']>[0]>[0]) => Promise<void>,
): Promise<RunRow> {
  await deps.db.transaction(async (tx) => {
    const run = await lockRun(tx, id, { skip: false });
    if (!run) throw new AppError('not_found', `there is no run ${id}`);
    if (run.endedAt)
      throw new AppError(
        'illegal_state',
        `the run is ${run.state}: ${run.endDetail ?? run.endReason ?? 'it has ended'}`,
      );
    await act(run, tx);
  });
  deps.wake.run(id);
  deps.wake.fleet();
  return (await findRun(deps.db, id)) as RunRow;
}
