import { AppError, configKey, defaultConfig, type Spec } from '@nightshift/protocol';
import { ensureProject, findArchive, insertNote, insertRun, recordEvent, type RunRow } from '@nightshift/db';
import type { LoopDeps } from './deps.js';

/** Starts a run of a checked spec. The run keeps the spec as it is now. */
export async function createRun(
  deps: Pick<LoopDeps, 'db' | 'wake'>,
  spec: Spec,
  options: { notes?: string | null } = {},
): Promise<RunRow> {
  const run = await deps.db.transaction(async (tx) => {
    if (spec.source.kind === 'archive' && (await findArchive(tx, spec.source.id))?.completedAt == null)
      throw new AppError('invalid_spec', `source.archive: the working tree ${spec.source.id} was not uploaded`, {
        hint: 'start the run with: nightshift run --upload',
      });
    const project = await ensureProject(tx, spec.name);
    const baselineConfig = spec.menu ? defaultConfig(spec.menu) : {};
    const row = await insertRun(tx, {
      projectId: project.id,
      spec,
      baselineConfig,
      baselineKey: configKey(baselineConfig),
    });
    if (options.notes)
      await insertNote(tx, { runId: row.id, body: options.notes, author: 'person', state: 'adopted', reason: null });
    await recordEvent(tx, { type: 'run.queued', runId: row.id, payload: { project: spec.name } });
    return row;
  });
  deps.wake.run(run.id);
  return run;
}
