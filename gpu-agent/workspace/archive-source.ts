import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError, decodeArchive, MAX_ARCHIVE_BYTES } from '@nightshift/protocol';
import { readCredentials } from '../credentials.js';
import { withLock } from '../process/lock.js';
import type { SourceFile } from './list-files.js';
import { SourceError } from './source-error.js';
import { walkFiles } from './walk-files.js';

/** Uploaded trees that are kept; the least recently used go first. Fewer means fetching one again, more means disk. */
const KEPT = 8;

/**
 * The folder of an uploaded working tree, fetched once from the control plane with the box's own credential and checked by its SHA-256.
 * @throws SourceError `source_unavailable`: not there, not reachable, damaged; `disk_full`.
 */
export async function fetchArchive(
  { id, size, home }: { id: string; size: number; home: string },
  signal: AbortSignal,
): Promise<{ folder: string; files: SourceFile[] }> {
  if (!/^[0-9a-f]{64}$/.test(id)) throw unavailable(`${id} is no id of an uploaded source`);
  const cache = join(home, 'cache', 'archives');
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const folder = join(cache, id);
  await withLock(`${folder}.lock`, signal, async () => {
    if (!existsSync(folder)) unpack(await download({ id, size, home }, signal), folder);
  });
  const now = new Date();
  utimesSync(folder, now, now);
  forgetOld(cache, id);
  const files = walkFiles(folder).map((path) => ({ path, stat: lstatSync(join(folder, path), { bigint: true }) }));
  return { folder, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

async function download(
  { id, size, home }: { id: string; size: number; home: string },
  signal: AbortSignal,
): Promise<Buffer> {
  if (size > MAX_ARCHIVE_BYTES) throw unavailable(`an uploaded source may have ${MAX_ARCHIVE_BYTES} bytes`);
  const { server, credential } = credentialsOf(home);
  const parts: Buffer[] = [];
  let received = 0;
  while (received < size) {
    const url = `${server.replace(/\/+$/, '')}/v1/archives/${id}/content?offset=${received}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${credential}` }, signal }).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw unavailable(`the uploaded source could not be fetched: ${String((error as Error).cause ?? error)}`);
      },
    );
    if (!response.ok) throw unavailable(`the control plane answered ${response.status} for the uploaded source ${id}`);
    const part = Buffer.from(await response.arrayBuffer());
    if (part.length === 0) break;
    parts.push(part);
    received += part.length;
  }
  const bytes = Buffer.concat(parts);
  if (createHash('sha256').update(bytes).digest('hex') !== id)
    throw unavailable(`the uploaded source ${id} arrived damaged`);
  return bytes;
}

// The folder gets its name when it is whole: what a killed agent left behind is never taken for a source.
function unpack(bytes: Buffer, folder: string): void {
  const entries = decodeArchive(bytes);
  if (typeof entries === 'string') throw unavailable(`the uploaded source cannot be unpacked: ${entries}`);
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  try {
    mkdirSync(part, { mode: 0o700 });
    for (const entry of entries) {
      const target = join(part, entry.path);
      mkdirSync(dirname(target), { recursive: true });
      if ('link' in entry) symlinkSync(entry.link, target);
      else {
        writeFileSync(target, entry.content);
        chmodSync(target, entry.isExecutable ? 0o755 : 0o644);
      }
    }
    renameSync(part, folder);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw new SourceError('disk_full', 'no space left on the disk for the uploaded source');
    throw unavailable(`the uploaded source cannot be unpacked: ${code ?? String(error)}`);
  }
}

function forgetOld(cache: string, current: string): void {
  const kept = readdirSync(cache)
    .filter((name) => /^[0-9a-f]{64}$/.test(name) && name !== current)
    .map((name) => ({ name, usedAt: statSync(join(cache, name)).mtimeMs }))
    .sort((a, b) => b.usedAt - a.usedAt);
  for (const { name } of kept.slice(KEPT - 1)) rmSync(join(cache, name), { recursive: true, force: true });
}

function credentialsOf(home: string): { server: string; credential: string } {
  try {
    return readCredentials(home);
  } catch (error) {
    if (error instanceof AppError) throw unavailable(error.message);
    throw error;
  }
}

function unavailable(message: string): SourceError {
  return new SourceError('source_unavailable', message);
}
