import { expect, test } from 'vitest';
import type { EarlierRow } from '@nightshift/protocol';
import { buildCodePrompt, type CodePromptInput } from './code-prompt.js';

const row = (line: number, part: Partial<EarlierRow> = {}): EarlierRow => ({
  line,
  commit: `abc${line}`,
  outcome: 'reverted',
  metric: 0.99,
  memoryGb: null,
  description: `try number ${line}`,
  diff: `-old ${line}\n+new ${line}\n`,
  codeKey: null,
  ...part,
});
const input = (part: Partial<CodePromptInput> = {}): CodePromptInput => ({
  project: 'toy',
  metric: { name: 'val_bpb', goal: 'minimize' },
  files: [{ path: 'train.py', content: 'rate = 1\n' }],
  sealed: [],
  maxChangedLines: 10,
  comparator: { which: 'incumbent', value: 1, n: 2 },
  baseline: { value: 1, n: 2, sd: 0.01 },
  records: [],
  earlier: {
    name: 'results.tsv',
    metric: { name: 'val_bpb', goal: 'minimize' },
    rows: [row(2, { outcome: 'kept', diff: null }), row(3), row(4, { outcome: 'failed', metric: null })],
  },
  notes: null,
  blocked: [],
  repair: null,
  budgetTokens: 8000,
  ...part,
});
const textOf = (prompt: ReturnType<typeof buildCodePrompt>) => prompt.messages.map(({ content }) => content).join('\n');

test('tells what an earlier session tried, with its figures marked as not ours', () => {
  const text = textOf(buildCodePrompt(input()));
  expect(text).toContain('Its figures were taken elsewhere and cannot be compared');
  expect(text).toContain('before, line 3 reverted: "try number 3", val_bpb 0.99 there');
  expect(text).toContain('  changed: "-old 3\\n+new 3\\n"');
  expect(text).toContain('before, line 4 failed: "try number 4", crashed');
  expect(textOf(buildCodePrompt(input({ earlier: null })))).not.toContain('before this run');
});

test('leaves out the diffs of an earlier session first, then its rows, and says so', () => {
  const rows = Array.from({ length: 200 }, (_, i) => row(i + 2, { diff: 'x'.repeat(1400) }));
  const session = { name: 'results.tsv', metric: { name: 'val_bpb', goal: 'minimize' as const }, rows };
  const whole = buildCodePrompt(input({ earlier: session, budgetTokens: 1e6 }));
  expect(whole.cut).toEqual([]);
  const roomy = buildCodePrompt(input({ earlier: session, budgetTokens: whole.tokens - 1 }));
  expect(roomy.cut).toEqual(['1 diff of the earlier session']);
  const tight = buildCodePrompt(input({ earlier: session, budgetTokens: 2000 }));
  expect(tight.cut.join()).toMatch(/rows of the earlier session/);
  expect(tight.fits).toBe(true);
  expect(textOf(tight)).toContain('before, line 201 reverted');
  expect(textOf(tight)).not.toContain('changed:');
});
