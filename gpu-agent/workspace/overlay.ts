import { chmodSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { findBelow, isSafePath } from './safe-path.js';
import { SourceError } from './source-error.js';

/**
 * Puts the editable files of a patched state over a copy of the source: all of them, and nothing else. An editable file of
 * the source that the state does not have was deleted by the patch. No link is written through.
 * @throws SourceError `source_unavailable` for a path that is not editable or leads out of the folder.
 */
export function applyOverlay(
  folder: string,
  editable: readonly string[],
  overlay: NonNullable<JobSpec['overlay']>,
): void {
  for (const { path } of overlay)
    if (!editable.includes(path) || !isSafePath(path))
      throw new SourceError('source_unavailable', `${JSON.stringify(path)} is no editable file of this project`);
  const contents = new Map(overlay.map(({ path, content }) => [path, content]));
  for (const path of editable) {
    if (!isSafePath(path)) continue;
    const target = join(folder, path);
    if (path.includes('/') && !['folder', 'missing'].includes(findBelow(folder, dirname(path))))
      throw new SourceError('source_unavailable', `the editable file ${path} lies behind a link or a file`);
    const stat = lstatSync(target, { throwIfNoEntry: false });
    const mode = stat?.isFile() ? stat.mode & 0o777 : 0o644;
    // Removed first, so that a link in its place (setup's, say) is replaced and not followed.
    rmSync(target, { recursive: true, force: true });
    const content = contents.get(path);
    if (content === undefined) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content, { flag: 'wx' });
    // A script that is started by its name stays one.
    chmodSync(target, mode | 0o600);
  }
}
