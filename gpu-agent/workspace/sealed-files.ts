import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import type { SourceFacts } from './describe-source.js';
import { findBelow } from './safe-path.js';
import { walkFiles } from './walk-files.js';

type Edit = NonNullable<JobSpec['edit']>;
/** What lies at and below the sealed paths of a folder: the hash of each file, the target of each link. */
export type Seal = ReadonlyMap<string, string>;

/** Whether a path is sealed, or would lie in a sealed folder. */
export function isSealed(path: string, sealed: readonly string[]): boolean {
  return sealed.some((entry) => path === entry || path.startsWith(`${entry}/`));
}

/**
 * The seal of a folder as it is. Editable files have their own rules.
 * @param known hashes that need not be taken again.
 */
export function sealOf(folder: string, edit: Edit, known: SourceFacts['sealed'] = []): Seal {
  const hashes = new Map(known.map(({ path, sha256 }) => [path, sha256]));
  const seal = new Map<string, string>();
  for (const entry of edit.sealed) {
    const found = findBelow(folder, entry);
    const paths = found === 'folder' ? walkFiles(join(folder, entry)).map((path) => `${entry}/${path}`) : [entry];
    for (const path of paths)
      if (!edit.files.includes(path)) seal.set(path, hashes.get(path) ?? contentOf(folder, path));
  }
  return seal;
}

/** The first path that is not as it was; a new one only where nothing may be added. */
export function brokenSeal(before: Seal, now: Seal, mayAdd: boolean): string | null {
  for (const [path, content] of before) if (now.get(path) !== content) return path;
  if (!mayAdd) for (const path of now.keys()) if (!before.has(path)) return path;
  return null;
}

function contentOf(folder: string, path: string): string {
  const found = findBelow(folder, path);
  if (found === 'file')
    return createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex');
  try {
    return `link to ${readlinkSync(join(folder, path))}`;
  } catch {
    return found; // behind a link, gone, or no file
  }
}
