import type { CodeProposal, Config, Decision, SourceFile } from '@nightshift/protocol';

/** A kept iteration as its row has it; the rows of a run in order of their numbers. */
export interface KeptIteration {
  number: number;
  endedAt: Date;
  config: Config;
  /** Of the comparator that it was measured against, and of itself; null: the baseline's own code. */
  fromCodeKey: string | null;
  codeKey: string | null;
  /** Null: a knob was changed. */
  patch: Pick<CodeProposal, 'summary' | 'reason'> | null;
  /** What was changed when it was a knob. */
  knob: { knob: string; newValue: unknown; reason: string } | null;
  decision: Decision | null;
}

/** Everything that commits are made from. Nothing else enters: the same rows give the same ids. */
export interface LedgerInput {
  run: {
    id: string;
    project: string;
    createdAt: Date;
    metric: { name: string; goal: 'minimize' | 'maximize' };
    /** Training evaluates itself: there is no sealed evaluator. */
    isUnsealed: boolean;
    /** Edited files that its evaluator reads. */
    evaluatorReads: readonly string[];
    baselineConfig: Config;
  };
  /** The editable files of the baseline; the commit of the source that has them, when there is one. */
  baseline: { files: readonly SourceFile[]; commit: string | null };
  /** A run that goes on from an earlier run's commit: the lines of that run up to there, oldest first. */
  before?: readonly LedgerCommit[];
  kept: readonly KeptIteration[];
  /** The files of every code key that `kept` names. */
  filesOf: (codeKey: string) => readonly SourceFile[];
  /** The code of the best so far; null: the baseline's own. */
  headCodeKey: string | null;
}

/** What a commit is made on: the commit of the source, one of the ledger (its place in `commits`), or nothing. */
export type Parent = { kind: 'base' } | { kind: 'commit'; index: number } | { kind: 'none' };

export interface LedgerCommit {
  runId: string;
  /** Null for the commit that holds the editable files as they were at the start. */
  iteration: number | null;
  codeKey: string | null;
  config: Config;
  parent: Parent;
  /** All editable files after it. */
  files: readonly SourceFile[];
  message: string;
  /** Seconds since 1970, for author and committer alike. */
  atSeconds: number;
  /** SHA-1, when it does not depend on a tree that only a repository knows. */
  id: string | null;
}

export interface Ledger {
  runId: string;
  project: string;
  baseCommit: string | null;
  baseline: readonly SourceFile[];
  commits: LedgerCommit[];
  /** The commit of the best code so far; null: the source's own commit. */
  head: number | null;
}

export const AUTHOR = { name: 'Nightshift', email: 'nightshift@localhost' } as const;

/** The branch of a run. */
export function branchOf(runId: string): string {
  return `nightshift/${runId}`;
}
