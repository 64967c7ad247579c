import type { Goal, IterationOutcome } from '@nightshift/protocol';

const WORDS: Record<string, IterationOutcome> = {
  keep: 'kept',
  kept: 'kept',
  accept: 'kept',
  accepted: 'kept',
  advance: 'kept',
  improved: 'kept',
  revert: 'reverted',
  reverted: 'reverted',
  reject: 'reverted',
  rejected: 'reverted',
  discard: 'reverted',
  discarded: 'reverted',
  rollback: 'reverted',
  inconclusive: 'inconclusive',
  blocked: 'blocked',
  crash: 'failed',
  crashed: 'failed',
  failed: 'failed',
  fail: 'failed',
  error: 'failed',
  oom: 'failed',
  timeout: 'failed',
};

/** The outcome that a decision or status of the field means, by its first word in any case; null for a word we do not know. */
export function outcomeOfWord(text: string): IterationOutcome | null {
  const word = /^[a-z]+/.exec(text.trim().toLowerCase())?.[0] ?? '';
  return Object.hasOwn(WORDS, word) ? (WORDS[word] ?? null) : null;
}

/** Which way a metric is better, as far as its name says: sizes of an error are minimised, scores are maximised. */
export function goalOfName(name: string): Goal {
  return /acc|score|reward|f1|auc|bleu|rouge|recall|precision|throughput|per_?sec|speedup|mfu|win_?rate|sharpe|r2$/i.test(
    name,
  )
    ? 'maximize'
    : 'minimize';
}
