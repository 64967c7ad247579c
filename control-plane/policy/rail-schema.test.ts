import { describe, expect, it } from 'vitest';
import { MAX_ANSWER_BYTES, MAX_REASON_CHARS, railSchema } from './rail-schema.js';

const text = '{"knob": "lr", "new_value": 0.001, "reason": "faster"}';
const proposal = { knob: 'lr', newValue: 0.001, reason: 'faster' };
const problemOf = (raw: unknown) => {
  const read = railSchema(raw);
  return 'problem' in read ? read.problem : null;
};

describe('rail schema', () => {
  it('takes text and parsed objects of exactly the three keys', () => {
    expect(railSchema(text)).toEqual({ proposal });
    expect(railSchema(JSON.parse(text))).toEqual({ proposal });
  });

  it('holds a parsed object to the same form as text', () => {
    const wrong: unknown[] = [
      null,
      undefined,
      12,
      true,
      [],
      [JSON.parse(text)],
      new Map(Object.entries(proposal)),
      {},
      proposal,
      { knob: 'lr', new_value: 1 },
      { knob: 'lr', new_value: 1, reason: 'x', more: 1 },
      { knob: 'lr', new_value: null, reason: 'x' },
      { knob: 'lr', new_value: 10n, reason: 'x' },
      { knob: 'lr', new_value: [1], reason: 'x' },
      { knob: ['lr'], new_value: 1, reason: 'x' },
      { knob: 'lr', new_value: 1, reason: undefined },
      { knob: 'lr', new_value: 1, reason: 'x', [Symbol('more')]: 1 },
      JSON.parse('{"knob": "lr", "new_value": 1, "reason": "x", "__proto__": {}}'),
      Object.create({ knob: 'lr', new_value: 1, reason: 'x' }),
      {
        knob: 'lr',
        new_value: 1,
        get reason(): string {
          throw new Error('read');
        },
      },
      { knob: 'lr', new_value: 'x'.repeat(MAX_ANSWER_BYTES + 1), reason: 'x' },
    ];
    for (const raw of wrong) expect(problemOf(raw)).toContain('Answer with exactly {"knob"');
  });

  it('bounds the reason and the whole answer, and cuts neither', () => {
    const withReason = (length: number) => ({ knob: 'lr', new_value: 1, reason: 'a'.repeat(length) });
    expect(problemOf(withReason(MAX_REASON_CHARS))).toBeNull();
    expect(problemOf(withReason(MAX_REASON_CHARS + 1))).toContain('reason has 1001 characters');
    expect(problemOf(text.padEnd(MAX_ANSWER_BYTES))).toBeNull();
    expect(problemOf(text.padEnd(MAX_ANSWER_BYTES + 1))).toContain('longer than 64 KiB');
    expect(problemOf(text.replace('faster', '€'.repeat(MAX_ANSWER_BYTES / 3)))).toContain('longer than 64 KiB');
  });

  it('reads -0 as 0', () => {
    const read = railSchema('{"knob": "lr", "new_value": -0, "reason": ""}');
    expect('proposal' in read && Object.is(read.proposal.newValue, 0)).toBe(true);
  });

  it('takes what people write in a reason, and nothing that hides or steers', () => {
    const withReason = (reason: string) => problemOf({ knob: 'lr', new_value: 1, reason });
    for (const reason of ['', 'two\nlines\tand a tab', '👩‍🔬 deeper', 'می‌خواهم', 'a\u00a0b', '\u200eltr'])
      expect(withReason(reason)).toBeNull();
    for (const reason of [
      '\0',
      '\u001b[2J',
      '\r\u0007',
      '\u009b2J',
      '\u202ebackwards',
      '\u2066',
      '\ufeff',
      '\u200b',
      '\ud800',
      '\u{e0041}',
    ])
      expect(withReason(`more ${reason}`)).toContain('does not show as text');
  });
});
