import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';

/** A sortable id with its kind in front: `run_01J…`. */
export function newId(kind: 'prj' | 'run' | 'itr' | 'job' | 'att' | 'box' | 'tok' | 'call' | 'hook' | 'note'): string {
  return `${kind}_${ulid().toLowerCase()}`;
}

/** A secret of 192 bits in URL-safe text. */
export function newSecret(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('base64url')}`;
}
