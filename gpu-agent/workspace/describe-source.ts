import { createHash } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_EDITABLE_BYTES, MAX_FRAME_BYTES, type FrameOf, type JobSpec } from '@nightshift/protocol';
import { findBelow, isSafePath } from './safe-path.js';
import { isSealed } from './sealed-files.js';
import { SourceError } from './source-error.js';
import { walkFiles } from './walk-files.js';

export type SourceFacts = Pick<FrameOf<'source'>, 'files' | 'sealed' | 'sealedDigest' | 'code'>;
type Edit = NonNullable<JobSpec['edit']>;

/** Sealed files that a frame names; the digest is over all of them. */
const NAMED_SEALED = 200;
/** Left for the rest of the frame. */
const FRAME_MARGIN = 4096;
/** Other code that is told: files, and bytes of one. An evaluator and what it imports are a few, of some kilobytes. */
const CODE_FILES = 200;
const CODE_BYTES = 65_536;
const CODE = /\.(?:py|[cm]?[jt]sx?)$/;

/**
 * The editable files of a source with their text, and the hashes of its sealed files (a folder stands for every file in it).
 * An editable file that is not there is one that a patch may create.
 * @throws SourceError `source_unavailable`: a path that leaves the source, a link, no text, too much of it, no such sealed file.
 */
export function describeSource(folder: string, edit: Edit, place = 'the source'): SourceFacts {
  const files: SourceFacts['files'] = [];
  let bytes = 0;
  for (const path of edit.files) {
    check(path);
    const found = findBelow(folder, path);
    if (found === 'missing') continue;
    if (found !== 'file')
      throw unavailable(`the editable file ${path} is ${WORDS[found]} in ${place}, not a plain file`);
    const size = lstatSync(join(folder, path)).size;
    bytes += size;
    if (bytes > MAX_EDITABLE_BYTES)
      throw unavailable(
        `the editable files hold more than ${MAX_EDITABLE_BYTES} bytes (at ${path}, ${size} bytes): they travel whole and must fit into a model's context; name fewer files in edit.files, or move what need not change into others`,
      );
    files.push({ path, content: text(readFileSync(join(folder, path)), path) });
  }
  const sealed = hashSealed(folder, edit.sealed, place);
  const facts = { files, sealed: sealed.slice(0, NAMED_SEALED), sealedDigest: digestSealed(sealed) };
  if (JSON.stringify(facts).length > MAX_FRAME_BYTES - FRAME_MARGIN)
    throw unavailable(
      'the editable files do not fit into one frame: they hold too many characters that JSON must escape',
    );
  return facts;
}

/** Code of the source that is not editable, what the command names and what is sealed first, as much as a frame has room for beside the rest. */
export function otherCode(
  folder: string,
  edit: Edit,
  evaluate: string,
  facts: SourceFacts,
): NonNullable<SourceFacts['code']> {
  const rank = (path: string) => (evaluate.includes(path) ? 0 : isSealed(path, edit.sealed) ? 1 : 2);
  const paths = walkFiles(folder)
    .filter((path) => CODE.test(path) && path.length <= 300 && !edit.files.includes(path))
    .sort((a, b) => rank(a) - rank(b));
  let room = MAX_FRAME_BYTES - FRAME_MARGIN - JSON.stringify(facts).length;
  const code: NonNullable<SourceFacts['code']> = [];
  for (const path of paths) {
    const stat = lstatSync(join(folder, path));
    if (!stat.isFile() || stat.size > CODE_BYTES) continue;
    const file = { path, content: readFileSync(join(folder, path), 'utf8') };
    const { length } = JSON.stringify(file);
    if (length > room) continue;
    room -= length + 1;
    code.push(file);
    if (code.length === CODE_FILES) break;
  }
  return code;
}

/**
 * SHA-256 of every sealed file, sorted by path.
 * @throws SourceError `source_unavailable` when one is not there or is no plain file.
 */
export function hashSealed(folder: string, sealed: readonly string[], place = 'the source'): SourceFacts['sealed'] {
  const paths = new Set<string>();
  for (const path of sealed) {
    check(path);
    const found = findBelow(folder, path);
    if (found === 'folder') for (const file of walkFiles(join(folder, path))) paths.add(`${path}/${file}`);
    else if (found === 'file') paths.add(path);
    else
      throw unavailable(
        `the sealed file ${path} is ${WORDS[found]} in ${place}${found === 'missing' ? ' (a source is what git tracks or would track)' : ', not a plain file'}`,
      );
  }
  return [...paths].sort().map((path) => ({
    path,
    sha256: createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex'),
  }));
}

/** One hash over sealed files: equal for two jobs exactly when they were measured by the same ruler. */
export function digestSealed(sealed: SourceFacts['sealed']): string {
  const hash = createHash('sha256');
  for (const { path, sha256 } of sealed) hash.update(`${path}\0${sha256}\n`);
  return hash.digest('hex');
}

const WORDS = { missing: 'missing', folder: 'a folder', link: 'a symbolic link', other: 'no file', file: 'a file' };

function check(path: string): void {
  if (!isSafePath(path)) throw unavailable(`${JSON.stringify(path)} cannot be a path of the source (edit)`);
}

function text(content: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    throw unavailable(`the editable file ${path} is no UTF-8 text`);
  }
}

function unavailable(message: string): SourceError {
  return new SourceError('source_unavailable', message);
}
