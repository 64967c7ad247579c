import { squashedMessage } from './commit-message.js';
import { lineTo } from './build-ledger.js';
import { branchOf, type Ledger, type LedgerCommit } from './ledger.js';
import { changes, commitPart, data } from './import-stream.js';
import { commitId, identity, treeId } from './object-id.js';

export interface Squashed {
  ref: string;
  stream: string;
  message: string;
  /** Null when it stands on a commit of the source. */
  id: string | null;
}

/** All that the best code gained as one commit on `nightshift/<run>-squashed`; null when nothing was kept. */
export function squash(ledger: Ledger): Squashed | null {
  const line = lineTo(ledger, ledger.head);
  const start = line[0]?.iteration === null ? (line[0] as LedgerCommit) : null;
  const kept = line.filter(({ iteration }) => iteration !== null);
  const last = kept.at(-1);
  if (last === undefined) return null;
  const ref = `refs/heads/${branchOf(ledger.runId)}-squashed`;
  const message = squashedMessage(
    { id: ledger.runId, project: ledger.project },
    kept.map((commit) => commit.message.split('\n', 1)[0] as string),
    last.message.split('\n').filter((text) => /^Nightshift-(?:Code|Config|Measurement): /.test(text)),
  );
  const who = identity(last.atSeconds);
  const head = `commit ${ref}\nmark :2\nauthor ${who}\ncommitter ${who}\n${data(message)}`;
  const stream =
    start === null
      ? `feature done\n${head}from ${ledger.baseCommit}\n${changes(ledger.baseline, last.files)}\ndone\n`
      : `feature done\n${commitPart(ledger, start, ref, 1)}${head}from :1\n${changes(start.files, last.files)}\ndone\n`;
  const parent = start?.id ?? null;
  const id =
    parent === null ? null : commitId({ tree: treeId(last.files), parent, atSeconds: last.atSeconds, message });
  return { ref, stream, message, id };
}
