import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, encodeArchive, isInside, MAX_ARCHIVE_BYTES, type ArchiveEntry } from '@nightshift/protocol';
import { listFiles } from '@nightshift/gpu-agent/workspace/list-files';
import { SourceError } from '@nightshift/gpu-agent/workspace/source-error';
import { tryGit } from '../git/run-git.js';

export interface PackedTree {
  /** SHA-256 of the bytes. */
  id: string;
  bytes: Uint8Array;
  files: number;
  /** HEAD, when it has exactly this tree; else null. */
  commit: string | null;
  /** Where the tree stands in the repository of that commit: `` or `sub/dir/`. */
  prefix: string;
}

const MAX_FILES = 20_000;

/**
 * The files that a box would take from this folder (what git tracks or would track), as one archive with a reproducible id.
 * @throws AppError `too_large`, `bad_request`: no such folder, a link that leads out of it.
 */
export async function packTree(folder: string): Promise<PackedTree> {
  const files = await listFiles(folder, { maxFiles: MAX_FILES, maxBytes: MAX_ARCHIVE_BYTES }).catch(
    (error: unknown) => {
      if (!(error instanceof SourceError)) throw error;
      throw new AppError('too_large', error.message, {
        hint: 'an upload is for code; put data and weights where the box finds them, or take source: { git: … }',
      });
    },
  );
  const entries = files.map(({ path, stat }): ArchiveEntry => {
    if (!stat.isSymbolicLink())
      return { path, isExecutable: (stat.mode & 0o100n) !== 0n, content: readFileSync(join(folder, path)) };
    const link = readlinkSync(join(folder, path));
    if (!isInside(path, link))
      throw new AppError(
        'bad_request',
        `${path} is a link to ${link}, which leads out of the folder and cannot be uploaded`,
      );
    return { path, link };
  });
  const bytes = encodeArchive(entries);
  if (bytes.length > MAX_ARCHIVE_BYTES)
    throw new AppError('too_large', `${folder} holds ${bytes.length} bytes; an upload may have ${MAX_ARCHIVE_BYTES}`);
  const id = createHash('sha256').update(bytes).digest('hex');
  return { id, bytes, files: entries.length, ...(await cleanCommit(folder)) };
}

async function cleanCommit(folder: string): Promise<Pick<PackedTree, 'commit' | 'prefix'>> {
  const head = await tryGit(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd: folder });
  const prefix = await tryGit(['rev-parse', '--show-prefix'], { cwd: folder });
  const status = await tryGit(['status', '--porcelain', '--', '.'], { cwd: folder });
  const isClean = head.code === 0 && prefix.code === 0 && status.code === 0 && status.out.trim() === '';
  return isClean ? { commit: head.out.trim(), prefix: prefix.out.replace(/\n$/, '') } : { commit: null, prefix: '' };
}
