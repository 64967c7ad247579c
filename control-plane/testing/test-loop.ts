import { findRun, type Db, type RunRow } from '@nightshift/db';
import { advance } from '../loop/advance.js';
import type { Log, LoopDeps } from '../loop/deps.js';
import { propose } from '../loop/propose.js';
import type { PaperBox } from './paper-box.js';

/** What the loop calls an error is one of ours: it ends the test. */
const log: Log = {
  debug() {},
  info() {},
  warn() {},
  error(fields, message) {
    throw new Error(message, { cause: fields });
  },
};

/** What the loop needs, on a database, with no environment, and nobody to wake: the test takes each step. */
export function loopDeps(db: Db, given: Partial<LoopDeps> = {}): LoopDeps {
  return {
    db,
    log,
    wake: { run() {}, fleet() {} },
    apiKey: () => undefined,
    leaseMs: 10_000,
    signal: new AbortController().signal,
    ...given,
  };
}

/** Takes every step of a run that can be taken now, and makes the proposals that it asks for. */
export async function step(deps: LoopDeps, runId: string): Promise<void> {
  for (
    let claims = await advance(deps, runId, { skip: false });
    claims.length > 0;
    claims = await advance(deps, runId, { skip: false })
  )
    for (const claim of claims) await propose(deps, claim);
}

/** Steps and works in turns until the run has ended, `until` holds, or the box has no job of it. */
export async function drive(
  deps: LoopDeps,
  runId: string,
  box: Pick<PaperBox, 'work'>,
  measure: Parameters<PaperBox['work']>[0],
  { jobs = 300, until }: { jobs?: number; until?: (run: RunRow) => Promise<boolean> } = {},
): Promise<RunRow> {
  for (let i = 0; i < jobs; i++) {
    await step(deps, runId);
    const run = (await findRun(deps.db, runId)) as RunRow;
    if (run.endedAt || (await until?.(run)) || !(await box.work(measure))) return run;
  }
  throw new Error(`the run did not get there with ${jobs} jobs`);
}
