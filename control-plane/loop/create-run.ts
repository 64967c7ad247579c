import { AppError, defaultConfig, measureKey, type Config, type EarlierSession, type Spec } from '@nightshift/protocol';
import {
  ensureProject,
  holdArchive,
  insertEarlierSession,
  insertNote,
  insertRun,
  recordEvent,
  updateRun,
  wasArchiveUsed,
  type RunRow,
} from '@nightshift/db';
import { earlierFigures } from '../trajectory/index.js';
import type { LoopDeps } from './deps.js';

/** Where a run starts when not at its source: the knobs and the code of its baseline (null: the source's own). */
export interface Start {
  config: Config;
  codeKey: string | null;
  baseCommit: string | null;
  basePrefix: string;
  /** Edited files that the evaluator was seen to read; null when nobody has looked. */
  evaluatorReads: string[] | null;
}

/** Starts a run of a checked spec. The run keeps the spec as it is now. */
export async function createRun(
  deps: Pick<LoopDeps, 'db' | 'wake'>,
  spec: Spec,
  options: { notes?: string | null; start?: Start; earlier?: EarlierSession | null } = {},
): Promise<RunRow> {
  const { earlier = null } = options;
  const run = await deps.db.transaction(async (tx) => {
    if (spec.source.kind === 'archive' && (await holdArchive(tx, spec.source.id))?.completedAt == null) {
      const { id, commit } = spec.source;
      const gone = await wasArchiveUsed(tx, id);
      throw new AppError(
        'invalid_spec',
        gone
          ? `source.archive: the working tree ${id} was deleted, as the last run that used it ended a week ago or more`
          : `source.archive: the working tree ${id} was not uploaded`,
        {
          hint: gone
            ? `send the same files again${commit === null ? '' : ` (commit ${commit})`}: nightshift run --upload`
            : 'start the run with: nightshift run --upload',
        },
      );
    }
    const project = await ensureProject(tx, spec.name);
    const { start } = options;
    const baselineConfig = start?.config ?? (spec.menu ? defaultConfig(spec.menu) : {});
    const row = await insertRun(tx, {
      projectId: project.id,
      spec,
      baselineConfig,
      baselineKey: measureKey(baselineConfig, start?.codeKey ?? null),
      earlierFigures: earlier && earlierFigures(earlier),
    });
    // Code that does not come from the source is known before any box tells: it is what the jobs of the baseline run with.
    if (start?.codeKey)
      await updateRun(tx, row.id, {
        baselineCodeKey: start.codeKey,
        incumbentCodeKey: start.codeKey,
        baseCommit: start.baseCommit,
        basePrefix: start.basePrefix,
        evaluatorReads: start.evaluatorReads,
      });
    if (earlier) await insertEarlierSession(tx, row.id, earlier);
    if (options.notes)
      await insertNote(tx, { runId: row.id, body: options.notes, author: 'person', state: 'adopted', reason: null });
    await recordEvent(tx, {
      type: 'run.queued',
      runId: row.id,
      payload: {
        project: spec.name,
        ...(earlier ? { earlier: { name: earlier.name, rows: earlier.rows.length } } : {}),
      },
    });
    return row;
  });
  deps.wake.run(run.id);
  return run;
}
