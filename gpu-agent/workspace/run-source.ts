import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { fetchArchive } from './archive-source.js';
import { copySource } from './copy-source.js';
import { checkoutGit } from './git-source.js';
import { changedSince, dropKept, findKept, keepSource } from './kept-source.js';
import { listFiles, type SourceLimits } from './list-files.js';
import { readRunRecord, setRunRecord } from './run-record.js';
import { SourceError } from './source-error.js';

/** What a run trains on, on this box: the hash of a folder's files, or a commit. */
type Fixed = { source: string } | { commit: string };

export interface RunSource {
  /** Fills a folder with the source and returns the hash of its content. */
  fill: (to: string) => Promise<string>;
  /** The commit of a git source, once it was filled. */
  commit: () => string | undefined;
  /** What of the source folder is no longer what the run began with, in words; null when all is. */
  changed: string | null;
  /** The source folder itself is not there: the run goes on with its own copy, data that a job reads from the folder is missing. */
  isGone?: boolean;
}

/**
 * The source of a job, which is that of every job of its run on this box: a folder as it was, and a branch where it stood, when the
 * first of them began. A person may go on working in the folder.
 * @throws SourceError when there is no such source, it is too large, the disk is full, or what the run began with is gone.
 */
export async function runSource(input: {
  spec: JobSpec;
  home: string;
  work: string;
  limits: SourceLimits;
  signal: AbortSignal;
}): Promise<RunSource> {
  const { spec, home, work, limits, signal } = input;
  const { source } = spec;
  const key = `${spec.runId} ${JSON.stringify(source)}`;
  if (source.kind === 'archive') {
    const { folder, files } = await fetchArchive({ ...source, home }, signal);
    return { fill: (to) => Promise.resolve(copySource(folder, to, files)), commit: () => undefined, changed: null };
  }
  if (source.kind === 'git') {
    const fixed = readRunRecord<Fixed>(home, 'sources', key);
    let commit = fixed && 'commit' in fixed ? fixed.commit : undefined;
    const place = { cache: join(home, 'cache', 'git'), indexPath: join(work, '..', 'git-index') };
    const fill = async (to: string) => {
      const found = await checkoutGit({ url: source.url, ref: commit ?? source.ref, to, ...place }, signal);
      rmSync(place.indexPath, { force: true });
      if (commit === undefined) {
        const stands = setRunRecord<Fixed>(home, 'sources', key, { commit: found.commit });
        commit = 'commit' in stands ? stands.commit : found.commit;
        // Another job of the run was first, and the branch has moved in between.
        if (commit !== found.commit) {
          rmSync(to, { recursive: true, force: true });
          mkdirSync(to, { recursive: true, mode: 0o700 });
          return fill(to);
        }
      }
      return found.tree;
    };
    return { fill, commit: () => commit, changed: null };
  }
  const { path } = source;
  if (!isAbsolute(path))
    throw new SourceError('source_unavailable', `the source path must be absolute on the box, got ${path}`);
  const keep = async () => keepSource({ folder: path, files: await listFiles(path, limits, signal), home, signal });
  const fixed = readRunRecord<Fixed>(home, 'sources', key);
  let hash = fixed && 'source' in fixed ? fixed.source : '';
  if (hash === '') {
    const stands = setRunRecord<Fixed>(home, 'sources', key, { source: await keep() });
    hash = 'source' in stands ? stands.source : '';
  }
  const isGone = !existsSync(path);
  const kept = findKept(home, hash);
  if (isGone && !kept) throw new SourceError('source_unavailable', `there is no folder ${path} on this box`);
  const found = kept ?? ((await keep()) === hash ? findKept(home, hash) : null);
  if (!found)
    throw new SourceError(
      'source_unavailable',
      `${path} is not what it was when this run began on this box, and the copy that was kept of it is gone: put the files back, or start a new run`,
    );
  const fill = (to: string) => {
    const copied = copySource(found.folder, to, found.files);
    if (copied === hash) return Promise.resolve(copied);
    dropKept(home, hash);
    throw new SourceError(
      'source_unavailable',
      `the copy that was kept of ${path} for this run was changed on this box`,
    );
  };
  const changed = isGone ? 'the folder is gone' : changedSince(found, path);
  return { fill, commit: () => undefined, changed, isGone };
}
