import { existsSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { readRunRecord, setRunRecord } from './run-record.js';
import { SourceError } from './source-error.js';

/** The project's own virtual environment: the one that setup made, or the one that lies in the source folder on this box. */
export function findVenv(spec: Pick<JobSpec, 'source'>, work: string): string | null {
  const folders = [work, ...(spec.source.kind === 'path' ? [spec.source.path] : [])];
  for (const folder of folders)
    for (const name of ['.venv', 'venv'])
      if (existsSync(join(folder, name, 'bin', 'python'))) return realpathSync(join(folder, name));
  return null;
}

/**
 * Remembers which environment a run has on this box, so that none of its jobs is trained by another one while the source folder,
 * and with it the environment, is gone.
 * @throws SourceError when it is.
 */
export function holdToVenv(home: string, runId: string, venv: string | null, isGone: boolean): void {
  const key = `${runId} venv`;
  if (!isGone) {
    if (venv !== null) setRunRecord(home, 'sources', key, { venv });
    return;
  }
  const first = readRunRecord<{ venv: string }>(home, 'sources', key);
  if (first && first.venv !== venv)
    throw new SourceError(
      'source_unavailable',
      `the environment ${first.venv} of this run is gone with its source folder`,
    );
}

/** Puts a virtual environment first, unless the spec names one or sets its own PATH. */
export function withVenv(
  env: Record<string, string>,
  venv: string | null,
  spec: Pick<JobSpec, 'env'>,
): Record<string, string> {
  if (!venv || 'VIRTUAL_ENV' in spec.env || 'PATH' in spec.env) return env;
  const { PYTHONHOME: _unused, ...rest } = env;
  return { ...rest, VIRTUAL_ENV: venv, PATH: `${join(venv, 'bin')}${delimiter}${env['PATH'] ?? '/usr/bin:/bin'}` };
}

/**
 * What to do about a project that uv locks and that has no environment here; null when there is nothing to say.
 * @param isConfined the sandbox lets uv install nothing: the environment must be there before.
 */
export function venvHint(
  spec: Pick<JobSpec, 'train' | 'setup'>,
  work: string,
  venv: string | null,
  isConfined: boolean,
): string | null {
  if (venv || !existsSync(join(work, 'uv.lock'))) return null;
  const usesUv = /(?:^|[\s;&|(])uvx?\s/.test(spec.train);
  if (usesUv && isConfined)
    return 'this project has a uv.lock and no virtual environment here, and in the sandbox uv can install nothing: set job.setup to "uv sync --frozen"';
  if (usesUv || /(?:^|[\s;&|(])uvx?\s/.test(spec.setup ?? '')) return null;
  return 'this project has a uv.lock and no virtual environment here: set job.setup to "uv sync --frozen", or start the commands with "uv run"; without that the python of PATH runs them';
}
