import { pairKey, type KnobValue, type TrajectoryRecord } from '@nightshift/protocol';

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}
/** One model call that made the proposal of an iteration, with what became of it. */
export interface ChatCall {
  iteration: number;
  messages: ChatMessage[];
  answer: string;
  outcome: TrajectoryRecord['outcome'];
  proposal: { knob: string; newValue: KnobValue } | null;
  metric: number | null;
}
export type Side = 'train' | 'test';

/** A line of the corpus. `split.family` keeps all calls for one pair on one side; `split.timeTail` holds out the end of the run. */
export interface ChatRecord {
  messages: ChatMessage[];
  iteration: number;
  outcome: TrajectoryRecord['outcome'];
  proposal: { knob: string; new_value: KnobValue } | null;
  metric: number | null;
  split: { family: Side; timeTail: Side };
}
/** What a model would learn from a corpus; shares are of the keeps on the training side of the family split. */
export interface CorpusQuality {
  records: number;
  distinctPairs: number;
  knobs: number;
  coverage: number | null;
  keeps: number;
  distinctKeptPairs: number;
  /** Share of the commonest kept pair among the keeps to train on, for each split. */
  topKeepShare: { family: number | null; timeTail: number | null };
  sides: { family: Record<Side, number>; timeTail: Record<Side, number> };
}
export interface ChatExport {
  records: ChatRecord[];
  quality: CorpusQuality;
  warnings: string[];
}
export interface ChatOptions {
  /** Share of the records held out; 0.16 when not given: the last 8 of 50. */
  testShare?: number | undefined;
  /** Knobs on the menu, for the coverage. */
  menuKnobs?: number | undefined;
}

const ONE_ANSWER_SHARE = 0.6;
const FEW_PAIRS = 20;

/** Model calls as fine-tuning records: the exact messages, the answer as the assistant's, the decision, and both splits. Deterministic. */
export function exportChat(calls: readonly ChatCall[], options: ChatOptions = {}): ChatExport {
  const testShare = options.testShare ?? 0.16;
  const held = heldOutPairs(calls, testShare);
  const inOrder = [...calls].sort((a, b) => a.iteration - b.iteration);
  const tailStart = inOrder.length - Math.round(inOrder.length * testShare);
  const records = inOrder.map((call, index): ChatRecord => ({
    messages: [...call.messages, { role: 'assistant', content: call.answer }],
    iteration: call.iteration,
    outcome: call.outcome,
    proposal: call.proposal === null ? null : { knob: call.proposal.knob, new_value: call.proposal.newValue },
    metric: call.metric,
    split: { family: held.has(familyOf(call)) ? 'test' : 'train', timeTail: index < tailStart ? 'train' : 'test' },
  }));
  const quality = qualityOf(records, options.menuKnobs ?? null);
  return { records, quality, warnings: warningsOf(quality) };
}

/** The records as JSON lines. */
export function writeChat(records: readonly ChatRecord[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

/** All calls for one pair are a family; a call without a pair is a family of its own. */
function familyOf(call: ChatCall): string {
  return call.proposal === null ? `iteration ${call.iteration}` : pairKey(call.proposal.knob, call.proposal.newValue);
}

/**
 * Whole families for the test side, by a hash of their name, until the share is reached; kept and other families are drawn separately, so
 * that both sides have keeps whenever two pairs were kept.
 */
function heldOutPairs(calls: readonly ChatCall[], testShare: number): Set<string> {
  const families = new Map<string, { size: number; isKept: boolean }>();
  for (const call of calls) {
    const family = families.get(familyOf(call)) ?? { size: 0, isKept: false };
    family.size += 1;
    family.isKept ||= call.outcome === 'kept';
    families.set(familyOf(call), family);
  }
  const held = new Set<string>();
  for (const isKept of [true, false]) {
    const group = [...families].filter(([, family]) => family.isKept === isKept);
    const target = testShare * group.reduce((sum, [, family]) => sum + family.size, 0);
    let taken = 0;
    // Small families first: one that dominates the corpus belongs where it is learnt from, or the test would be one question.
    for (const [name, family] of group.sort(([a, x], [b, y]) => x.size - y.size || hashOf(a) - hashOf(b))) {
      if (taken >= target || held.size + 1 >= families.size || (isKept && group.length < 2)) break;
      if (taken > 0 && taken + family.size > 1.5 * target) break;
      held.add(name);
      taken += family.size;
    }
  }
  return held;
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function qualityOf(records: readonly ChatRecord[], menuKnobs: number | null): CorpusQuality {
  const keyOf = (record: ChatRecord) =>
    record.proposal === null ? null : pairKey(record.proposal.knob, record.proposal.new_value);
  const keeps = records.filter((record) => record.outcome === 'kept' && record.proposal !== null);
  const knobs = new Set(records.flatMap((record) => (record.proposal === null ? [] : [record.proposal.knob])));
  const topShare = (split: 'family' | 'timeTail') => {
    const counts = new Map<string | null, number>();
    for (const keep of keeps)
      if (keep.split[split] === 'train') counts.set(keyOf(keep), (counts.get(keyOf(keep)) ?? 0) + 1);
    const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
    return total === 0 ? null : Math.max(...counts.values()) / total;
  };
  const sides = (split: 'family' | 'timeTail'): Record<Side, number> => ({
    train: records.filter((record) => record.split[split] === 'train').length,
    test: records.filter((record) => record.split[split] === 'test').length,
  });
  return {
    records: records.length,
    distinctPairs: new Set(records.map(keyOf).filter((key) => key !== null)).size,
    knobs: knobs.size,
    coverage: menuKnobs === null || menuKnobs === 0 ? null : knobs.size / menuKnobs,
    keeps: keeps.length,
    distinctKeptPairs: new Set(keeps.map(keyOf)).size,
    topKeepShare: { family: topShare('family'), timeTail: topShare('timeTail') },
    sides: { family: sides('family'), timeTail: sides('timeTail') },
  };
}

function warningsOf(quality: CorpusQuality): string[] {
  const warnings: string[] = [];
  if (quality.records === 0) return ['there are no model calls to learn from'];
  if (quality.keeps === 0) warnings.push('nothing was kept: there is no answer to imitate');
  for (const [split, share] of Object.entries(quality.topKeepShare))
    if (share !== null && share >= ONE_ANSWER_SHARE)
      warnings.push(
        `this corpus would teach one answer: with the ${split === 'family' ? 'family' : 'time-tail'} split, one pair is ` +
          `${Math.round(share * 100)}% of the keeps to train on`,
      );
  if (quality.distinctPairs < FEW_PAIRS)
    warnings.push(`only ${quality.distinctPairs} distinct pairs in ${quality.records} records`);
  if (quality.coverage !== null && quality.coverage < 0.6)
    warnings.push(
      `only ${quality.knobs} knobs were ever proposed (${Math.round(quality.coverage * 100)}% of the menu)`,
    );
  return warnings;
}
