import { createHash } from 'node:crypto';
import type { SourceFile } from '@nightshift/protocol';
import { AUTHOR } from './ledger.js';

/** The id that git gives an object: SHA-1 over its kind, its size and its content. */
export function objectId(kind: 'blob' | 'tree' | 'commit', content: Buffer): string {
  return createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest('hex');
}

type Folder = Map<string, Folder | string>;

/** The tree that holds exactly these files, all plain (mode 100644). */
export function treeId(files: readonly SourceFile[]): string {
  const root: Folder = new Map();
  for (const { path, content } of files) {
    const names = path.split('/');
    const last = names.pop() as string;
    let folder = root;
    for (const name of names) {
      const next = folder.get(name);
      if (typeof next === 'string') throw new Error(`${path}: ${name} is a file and a folder`);
      const inner: Folder = next ?? new Map();
      folder.set(name, inner);
      folder = inner;
    }
    folder.set(last, objectId('blob', Buffer.from(content, 'utf8')));
  }
  return folderId(root);
}

function folderId(folder: Folder): string {
  const entries = [...folder].map(([name, child]) => ({
    // Git sorts by bytes, a folder as if its name ended with a slash.
    key: Buffer.from(typeof child === 'string' ? name : `${name}/`),
    head: Buffer.from(`${typeof child === 'string' ? '100644' : '40000'} ${name}\0`),
    id: typeof child === 'string' ? child : folderId(child),
  }));
  entries.sort((a, b) => Buffer.compare(a.key, b.key));
  return objectId('tree', Buffer.concat(entries.flatMap(({ head, id }) => [head, Buffer.from(id, 'hex')])));
}

/** `Nightshift <nightshift@localhost> 1764000000 +0000`, as it stands in commits and in streams. */
export function identity(atSeconds: number): string {
  return `${AUTHOR.name} <${AUTHOR.email}> ${atSeconds} +0000`;
}

export function commitId(commit: { tree: string; parent: string | null; atSeconds: number; message: string }): string {
  const who = identity(commit.atSeconds);
  const lines = [
    `tree ${commit.tree}`,
    ...(commit.parent === null ? [] : [`parent ${commit.parent}`]),
    `author ${who}`,
    `committer ${who}`,
    '',
    commit.message,
  ];
  return objectId('commit', Buffer.from(lines.join('\n'), 'utf8'));
}
