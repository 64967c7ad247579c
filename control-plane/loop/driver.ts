import { listUnfinishedRunIds } from '@nightshift/db';
import { advance } from './advance.js';
import type { LoopDeps } from './deps.js';
import { propose } from './propose.js';

export interface Driver {
  /** Something about this run changed. */
  wake(runId: string): void;
  /** Ends the sweep and waits for the steps under way. Claimed proposals lose their lease and are taken up by the next start. */
  stop(): Promise<void>;
}

/**
 * Drives every unfinished run of the database: at once when woken, and by a sweep that finds whatever no hint told of.
 * @param sweepMs shorter costs queries on an idle control plane; longer delays what a lost hint delays.
 */
export function startDriver(deps: LoopDeps, options: { sweepMs: number }): Driver {
  const busy = new Map<string, { again: boolean }>();
  const working = new Set<Promise<void>>();
  let isStopped = false;

  const track = (work: Promise<void>) => {
    working.add(work);
    void work.finally(() => working.delete(work));
  };

  // One caller a run in this process: a wake during its work makes it look once more.
  const drive = async (runId: string, skip: boolean): Promise<void> => {
    const current = busy.get(runId);
    if (current) {
      if (!skip) current.again = true;
      return;
    }
    const state = { again: false };
    busy.set(runId, state);
    try {
      do {
        state.again = false;
        const claims = await advance(deps, runId, { skip });
        for (const claim of claims) track(proposeAndWake(claim));
      } while (state.again && !isStopped);
    } catch (error) {
      deps.log.error({ err: error, runId }, 'a run could not be advanced; the sweep tries again');
    } finally {
      busy.delete(runId);
    }
  };

  const proposeAndWake = async (claim: Parameters<typeof propose>[1]): Promise<void> => {
    try {
      await propose(deps, claim);
    } catch (error) {
      deps.log.error(
        { err: error, ...claim },
        'a proposal could not be made; its lease runs out and it is taken up again',
      );
      return;
    }
    if (!isStopped) await drive(claim.runId, false);
  };

  const sweep = async (): Promise<void> => {
    try {
      for (const runId of await listUnfinishedRunIds(deps.db)) {
        if (isStopped) return;
        await drive(runId, true);
      }
    } catch (error) {
      deps.log.warn({ err: error }, 'the sweep of runs failed; it is tried again');
    }
  };

  let timer: NodeJS.Timeout | undefined;
  const tick = () => {
    const work = sweep();
    track(work);
    void work.finally(() => {
      if (!isStopped) timer = setTimeout(tick, options.sweepMs);
    });
  };
  tick();

  return {
    wake: (runId) => {
      if (!isStopped) track(drive(runId, false));
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      while (working.size > 0) await Promise.allSettled(working);
    },
  };
}
