import { AppError, codeKeyOf, measurementOf, type CodeProposal, type SourceFile } from '@nightshift/protocol';
import { findCodeState, findRun, listIterations, type IterationRow, type Queryable, type RunRow } from '@nightshift/db';
import { buildLedger, lineTo, type KeptIteration, type Ledger, type LedgerCommit } from '../ledger/index.js';

/** Runs that may go on from one another; a longer chain is a loop in the rows. */
const MOST_REWINDS = 100;

/**
 * The commits of a run, from its rows. `also` is an iteration that is about to be kept.
 * @throws AppError illegal_state: the run has no editable files, or no box has told them yet.
 */
export async function loadLedger(q: Queryable, run: RunRow, also?: IterationRow, depth = 0): Promise<Ledger> {
  if (!run.spec.edit) throw new AppError('illegal_state', 'the run is in menu mode: it has no patches and no commits');
  const baseline = run.baselineCodeKey === null ? undefined : await findCodeState(q, run.baselineCodeKey);
  if (!baseline)
    throw new AppError('illegal_state', 'no box has told the source of this run yet; ask again when its baseline runs');
  const rows = (await listIterations(q, run.id)).filter(({ state, id }) => state === 'kept' && id !== also?.id);
  if (also) rows.push(also);
  const kept = rows.map((row) => keptOf(run, row));
  // Paths of a patch are the project's; those of a commit on the source's own are the repository's.
  const placed = (own: SourceFile[]) => own.map((file) => ({ ...file, path: `${run.basePrefix}${file.path}` }));
  const files = new Map<string, SourceFile[]>();
  for (const { codeKey } of kept) {
    if (codeKey === null || files.has(codeKey)) continue;
    const state = await findCodeState(q, codeKey);
    if (!state) throw new Error(`run ${run.id} kept code ${codeKey}, which is not stored`);
    files.set(codeKey, placed(state));
  }
  return buildLedger({
    run: {
      id: run.id,
      project: run.spec.name,
      createdAt: run.createdAt,
      metric: run.spec.metric,
      isUnsealed: measurementOf(run.spec) === 'unsealed',
      evaluatorReads: run.evaluatorReads ?? [],
      baselineConfig: run.baselineConfig,
    },
    baseline: { files: placed(baseline), commit: run.baseCommit },
    before: await commitsBefore(q, run, depth),
    kept,
    filesOf: (key) => files.get(key) as SourceFile[],
    headCodeKey: ownKey(run, run.incumbentCodeKey),
  });
}

function keptOf(run: RunRow, row: IterationRow): KeptIteration {
  const patch = row.patch as CodeProposal | null;
  return {
    number: row.number,
    endedAt: row.endedAt as Date,
    config: row.config ?? {},
    fromCodeKey: ownKey(run, codeKeyOf(row.comparatorKey ?? '')),
    codeKey: ownKey(run, row.codeKey),
    patch: patch && { summary: patch.summary, reason: patch.reason },
    knob: patch ? null : row.proposal,
    decision: row.decision,
  };
}

// Null stands for the baseline's own code, under whatever key it was measured.
function ownKey(run: RunRow, key: string | null): string | null {
  return key === run.baselineCodeKey ? null : key;
}

/** The line of the run that this one goes on from, up to where it began. */
async function commitsBefore(q: Queryable, run: RunRow, depth: number): Promise<LedgerCommit[]> {
  const from = run.spec.startsFrom;
  if (!from || depth > MOST_REWINDS) return [];
  const earlier = await findRun(q, from.runId);
  if (!earlier) return [];
  const ledger = await loadLedger(q, earlier, undefined, depth + 1);
  const key = ownKey(earlier, run.baselineCodeKey);
  const index = ledger.commits.findLastIndex(
    ({ runId, codeKey, iteration }) =>
      (runId === earlier.id ? codeKey : null) === key && (runId !== earlier.id || (iteration ?? 0) <= from.iteration),
  );
  return lineTo(ledger, index < 0 ? null : index).map((commit, at) =>
    at === 0 ? commit : { ...commit, parent: { kind: 'commit', index: at - 1 } },
  );
}
