import type { SourceFile } from '@nightshift/protocol';
import { keptMessage, startMessage } from './commit-message.js';
import type { KeptIteration, Ledger, LedgerCommit, LedgerInput, Parent } from './ledger.js';
import { commitId, treeId } from './object-id.js';

/**
 * The commits of a run: one for each kept patch, on the commit of the code that it was measured against. With `compare: incumbent`
 * that is one line; with `compare: baseline`, or when several trained at a time, commits can stand beside each other. Kept knobs
 * change no file: they make no commit, and their values stand in the message of the next. Pure.
 */
export function buildLedger(input: LedgerInput): Ledger {
  const { run, baseline } = input;
  const commits: LedgerCommit[] = [...(input.before ?? [])];
  if (commits.length === 0 && baseline.commit === null)
    commits.push(
      identified(commits, {
        runId: run.id,
        iteration: null,
        codeKey: null,
        config: run.baselineConfig,
        parent: { kind: 'none' },
        files: baseline.files,
        message: startMessage(run),
        atSeconds: seconds(run.createdAt),
      }),
    );
  /** Where a code state was last committed; null is the baseline's own. */
  const places = new Map<string | null, number>();
  if (commits.length > 0) places.set(null, commits.length - 1);
  let knobs: KeptIteration[] = [];
  for (const kept of input.kept) {
    if (kept.patch === null) {
      knobs.push(kept);
      continue;
    }
    const at = places.get(kept.fromCodeKey);
    const parent: Parent = at === undefined ? { kind: 'base' } : { kind: 'commit', index: at };
    const config = at === undefined ? run.baselineConfig : (commits[at] as LedgerCommit).config;
    commits.push(
      identified(commits, {
        runId: run.id,
        iteration: kept.number,
        codeKey: kept.codeKey,
        config: kept.config,
        parent,
        files: kept.codeKey === null ? baseline.files : input.filesOf(kept.codeKey),
        message: keptMessage(run, kept, { config, knobs }),
        atSeconds: seconds(kept.endedAt),
      }),
    );
    places.set(kept.codeKey, commits.length - 1);
    knobs = [];
  }
  return {
    runId: run.id,
    project: run.project,
    baseCommit: baseline.commit,
    baseline: baseline.files,
    commits,
    head: places.get(input.headCodeKey) ?? null,
  };
}

/** The files that a commit starts from. */
export function filesBefore(
  ledger: Pick<Ledger, 'commits' | 'baseline'>,
  { parent }: LedgerCommit,
): readonly SourceFile[] {
  if (parent.kind === 'none') return [];
  if (parent.kind === 'base') return ledger.baseline;
  return (ledger.commits[parent.index] as LedgerCommit).files;
}

/** The commits from the start to one of them, oldest first. */
export function lineTo(ledger: Pick<Ledger, 'commits'>, index: number | null): LedgerCommit[] {
  const line: LedgerCommit[] = [];
  for (let at = index; at !== null;) {
    const commit = ledger.commits[at] as LedgerCommit;
    line.unshift(commit);
    at = commit.parent.kind === 'commit' ? commit.parent.index : null;
  }
  return line;
}

// The tree of a repository's commit is not known here: what stands on it has no id until a repository gives it one.
function identified(commits: readonly LedgerCommit[], commit: Omit<LedgerCommit, 'id'>): LedgerCommit {
  const { parent } = commit;
  const parentId = parent.kind === 'commit' ? (commits[parent.index]?.id ?? null) : null;
  const isKnown = parent.kind === 'none' || parentId !== null;
  return { ...commit, id: isKnown ? commitId({ ...commit, tree: treeId(commit.files), parent: parentId }) : null };
}

// Git counts seconds.
function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
