import { describe, expect, it } from 'vitest';
import { exportChat, writeChat, type ChatCall } from './chat.js';

const call = (iteration: number, knob: string, newValue: number, outcome: ChatCall['outcome']): ChatCall => ({
  iteration,
  messages: [
    { role: 'system', content: 'propose one change' },
    { role: 'user', content: `iteration ${iteration}` },
  ],
  answer: JSON.stringify({ knob, new_value: newValue, reason: 'why not' }),
  outcome,
  proposal: { knob, newValue },
  metric: outcome === 'blocked' ? null : 1,
});

/** The published night's calls: keeps at 4, 6, 23, 31, 33, 45 for one pair and at 43 and 46 for two others. */
const night = Array.from({ length: 50 }, (_, index) => {
  const iteration = index + 1;
  if ([4, 6, 23, 31, 33, 45].includes(iteration)) return call(iteration, 'd_model', 768, 'kept');
  if (iteration === 43) return call(iteration, 'd_ff', 6144, 'kept');
  if (iteration === 46) return call(iteration, 'd_ff', 8192, 'kept');
  return call(iteration, 'n_head', [4, 8, 32][iteration % 3]!, 'reverted');
});

describe('the chat export', () => {
  it('has the exact messages, and the answer as the last one', () => {
    const [record] = exportChat([night[3]!]).records;
    expect(record?.messages).toEqual([...night[3]!.messages, { role: 'assistant', content: night[3]!.answer }]);
    expect(record).toMatchObject({ iteration: 4, outcome: 'kept', proposal: { knob: 'd_model', new_value: 768 } });
    expect(JSON.parse(writeChat([record!]))).toEqual(record);
  });

  it('keeps every family of a pair on one side, with kept pairs on both', () => {
    const { records } = exportChat(night);
    const sides = new Map<string, Set<string>>();
    for (const record of records) {
      const key = JSON.stringify(record.proposal);
      sides.set(key, (sides.get(key) ?? new Set()).add(record.split.family));
    }
    expect([...sides.values()].every((set) => set.size === 1)).toBe(true);
    const kept = records.filter((record) => record.outcome === 'kept');
    expect(new Set(kept.map((record) => record.split.family))).toEqual(new Set(['train', 'test']));
  });

  it('holds out the end of the run in the other split: 1 to 42, 43 to 50', () => {
    const { records } = exportChat(night);
    const held = records.filter((record) => record.split.timeTail === 'test').map((record) => record.iteration);
    expect(held).toEqual([43, 44, 45, 46, 47, 48, 49, 50]);
  });

  it('warns of a corpus that would teach one answer', () => {
    const { quality, warnings } = exportChat(night, { menuKnobs: 13 });
    expect(quality).toMatchObject({ records: 50, keeps: 8, distinctKeptPairs: 3, knobs: 3, distinctPairs: 6 });
    expect(quality.topKeepShare.timeTail).toBe(1);
    expect(warnings.join('\n')).toMatch(/would teach one answer: with the time-tail split, one pair is 100%/);
    expect(warnings.join('\n')).toMatch(/only 6 distinct pairs/);
    expect(warnings.join('\n')).toMatch(/only 3 knobs/);
  });

  it('does not warn of a varied one', () => {
    const calls = Array.from({ length: 60 }, (_, i) => call(i + 1, `k${i % 12}`, i, i % 3 === 0 ? 'kept' : 'reverted'));
    const { warnings, quality } = exportChat(calls, { menuKnobs: 13 });
    expect(warnings).toEqual([]);
    expect(quality.sides.family.test).toBeGreaterThan(4);
    expect(quality.sides.family.test).toBeLessThan(16);
  });

  it('of nothing is empty and says so', () => {
    expect(exportChat([])).toMatchObject({ records: [], warnings: ['there are no model calls to learn from'] });
  });
});
