/** Bytes of an uploaded working tree: it goes through the database, so that data and weights do not belong into it. */
export const MAX_ARCHIVE_BYTES = 67_108_864;
/** Bytes in one request of an upload. */
export const ARCHIVE_CHUNK_BYTES = 1_048_576;

/** One file of an uploaded working tree: plain, or a symbolic link. Paths are relative, with forward slashes. */
export type ArchiveEntry =
  { path: string; isExecutable: boolean; content: Uint8Array } | { path: string; link: string };

const MAGIC = 'nightshift-archive 1\n';

/**
 * A working tree as bytes: a first line, for each file a line of JSON with its bytes and a line break, and a last line that counts them.
 * Sorted by path, without times and owners: the same files give the same bytes, whose SHA-256 is the archive's id.
 */
export function encodeArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [encoder.encode(MAGIC)];
  for (const entry of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if ('link' in entry) parts.push(encoder.encode(`${JSON.stringify({ path: entry.path, link: entry.link })}\n`));
    else
      parts.push(
        encoder.encode(`${JSON.stringify({ path: entry.path, mode: modeOf(entry), size: entry.content.length })}\n`),
        entry.content,
        encoder.encode('\n'),
      );
  }
  parts.push(encoder.encode(`${JSON.stringify({ end: entries.length })}\n`));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Reads an archive back. A string says what is wrong with it: cut off, a path that leaves the tree or is git's own, a file below a
 * link, a link that leads out.
 */
export function decodeArchive(bytes: Uint8Array): ArchiveEntry[] | string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let at = 0;
  const line = (): string | null => {
    const end = bytes.indexOf(10, at);
    if (end < 0) return null;
    const text = decoder.decode(bytes.subarray(at, end));
    at = end + 1;
    return text;
  };
  try {
    if (`${line()}\n` !== MAGIC) return 'this is no archive of a working tree';
    const entries: ArchiveEntry[] = [];
    const links = new Set<string>();
    for (let text = line(); text !== null; text = line()) {
      const head = JSON.parse(text) as {
        path?: unknown;
        link?: unknown;
        mode?: unknown;
        size?: unknown;
        end?: unknown;
      };
      if (head.end !== undefined)
        return head.end === entries.length && at === bytes.length ? entries : 'the archive does not end where it says';
      const problem = pathProblem(head.path, entries.at(-1)?.path, links);
      if (problem !== null) return problem;
      const path = head.path as string;
      if (typeof head.link === 'string') {
        if (!isInside(path, head.link)) return `${path}: the link leads out of the tree`;
        links.add(path);
        entries.push({ path, link: head.link });
        continue;
      }
      const { size, mode } = head;
      if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || at + size >= bytes.length)
        return `${path}: the archive is cut off`;
      entries.push({ path, isExecutable: mode === '755', content: bytes.subarray(at, at + size) });
      at += size + 1;
    }
    return 'the archive is cut off';
  } catch {
    return 'the archive is damaged';
  }
}

/** Whether a link at `path` stays within the tree, as far as its text can say. */
export function isInside(path: string, link: string): boolean {
  if (link === '' || link.startsWith('/') || link.includes('\0')) return false;
  const parts = path.split('/').slice(0, -1);
  for (const part of link.split('/')) {
    if (part === '..') {
      if (parts.length === 0) return false;
      parts.pop();
    } else if (part !== '.' && part !== '') parts.push(part);
  }
  return true;
}

function modeOf({ isExecutable }: { isExecutable: boolean }): string {
  return isExecutable ? '755' : '644';
}

function pathProblem(path: unknown, before: string | undefined, links: ReadonlySet<string>): string | null {
  if (typeof path !== 'string' || path === '' || path.length > 4096) return 'an entry has no path';
  const parts = path.split('/');
  const isOdd = parts.some((part) => part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git');
  if (isOdd || path.includes('\0') || path.includes('\\'))
    return `${JSON.stringify(path)} cannot be a path of the tree`;
  if (before !== undefined && !(before < path)) return `${path}: the entries are not in order`;
  // Written through a link, a file would land wherever the link leads.
  if (parts.some((_part, index) => links.has(parts.slice(0, index).join('/')))) return `${path} lies below a link`;
  return null;
}
