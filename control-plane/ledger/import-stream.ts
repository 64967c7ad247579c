import type { SourceFile } from '@nightshift/protocol';
import { filesBefore, lineTo } from './build-ledger.js';
import { branchOf, type Ledger, type LedgerCommit } from './ledger.js';
import { identity } from './object-id.js';

/**
 * The ledger as a stream for `git fast-import`. The branch of the run ends at its best code; kept patches that do not lead there
 * get a branch each, `nightshift/<run>-<iteration>`. What stands on a commit of the source needs a repository that has it.
 */
export function importStream(ledger: Ledger): string {
  const branch = `refs/heads/${branchOf(ledger.runId)}`;
  const onBranch = new Set(lineTo(ledger, ledger.head));
  const parts = ['feature done\n'];
  ledger.commits.forEach((commit, index) => {
    const isOurs = commit.runId === ledger.runId || onBranch.has(commit);
    if (!isOurs) return;
    const ref = onBranch.has(commit) ? branch : `${branch}-${commit.iteration}`;
    parts.push(commitPart(ledger, commit, ref, index + 1));
  });
  if (ledger.head === null && ledger.baseCommit !== null) parts.push(`reset ${branch}\nfrom ${ledger.baseCommit}\n\n`);
  parts.push('done\n');
  return parts.join('');
}

/** One commit of the stream. */
export function commitPart(ledger: Ledger, commit: LedgerCommit, ref: string, mark: number): string {
  const who = identity(commit.atSeconds);
  const from =
    commit.parent.kind === 'base'
      ? `from ${ledger.baseCommit}\n`
      : commit.parent.kind === 'commit'
        ? `from :${commit.parent.index + 1}\n`
        : '';
  // Without a parent of its own a commit would be put on what the ref has: the reset makes it a first one.
  const reset = commit.parent.kind === 'none' ? `reset ${ref}\n` : '';
  return `${reset}commit ${ref}\nmark :${mark}\nauthor ${who}\ncommitter ${who}\n${data(commit.message)}${from}${changes(filesBefore(ledger, commit), commit.files)}\n`;
}

/** What differs between two states of the files, as commands of the stream. */
export function changes(before: readonly SourceFile[], after: readonly SourceFile[]): string {
  const old = new Map(before.map(({ path, content }) => [path, content]));
  const now = new Map(after.map(({ path, content }) => [path, content]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .map((path) => {
      const content = now.get(path);
      if (content === undefined) return `D ${quotePath(path)}\n`;
      return old.get(path) === content ? '' : `M 100644 inline ${quotePath(path)}\n${data(content)}`;
    })
    .join('');
}

export function data(text: string): string {
  return `data ${Buffer.byteLength(text, 'utf8')}\n${text}\n`;
}

function quotePath(path: string): string {
  return /^[\w./-]+$/.test(path) && !path.startsWith('"')
    ? path
    : `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
