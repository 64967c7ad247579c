import { expect, test } from 'vitest';
import { unwrapAnswer } from './parse-answer.js';

const OBJECT = '{"knob": "lr", "new_value": 0.001, "reason": "faster"}';

test.each([
  ['a bare object', OBJECT, OBJECT, []],
  ['white space around it stays', `\n ${OBJECT}\n`, `\n ${OBJECT}\n`, []],
  ['a fence', `\`\`\`json\n${OBJECT}\n\`\`\``, OBJECT, ['fence']],
  ['a fence with no language', `\`\`\`\n${OBJECT}\n\`\`\`\n\n`, OBJECT, ['fence']],
  ['a tilde fence', `~~~JSON\r\n${OBJECT}\n~~~`, OBJECT, ['fence']],
  ['a think block', `<think>\nhmm {"knob": 1}\n</think>\n${OBJECT}`, `\n${OBJECT}`, ['think']],
  ['two think blocks', `<think>a</think><think>b</think>${OBJECT}`, OBJECT, ['think', 'think']],
  ['an empty think block', `<think></think>${OBJECT}`, OBJECT, ['think']],
  ['a think block whose opening tag was in the prompt', `so lr it is\n</think>\n${OBJECT}`, `\n${OBJECT}`, ['think']],
  ['think and fence', `<think>x</think>\n\`\`\`json\n${OBJECT}\n\`\`\``, OBJECT, ['think', 'fence']],
] as const)('takes off %s', (_title, content, text, removed) => {
  expect(unwrapAnswer(content)).toEqual({ ok: true, text, removed });
});

test.each([
  ['prose before an object', `Sure:\n${OBJECT}`],
  ['prose around a fence', `Here:\n\`\`\`json\n${OBJECT}\n\`\`\``],
  ['prose after a fence', `\`\`\`json\n${OBJECT}\n\`\`\`\nGood luck`],
  ['two fences', `\`\`\`json\n${OBJECT}\n\`\`\`\n\`\`\`json\n${OBJECT}\n\`\`\``],
  ['a closing tag inside a string', '{"knob": "lr", "new_value": 1, "reason": "</think>{}"}'],
  ['broken JSON', '{"knob": "lr",}'],
  ['a byte order mark', `\ufeff${OBJECT}`],
])('leaves %s to the gate as it is', (_title, content) => {
  expect(unwrapAnswer(content)).toEqual({ ok: true, text: content, removed: [] });
});

test.each([
  ['<think>and then', 'unclosed_think'],
  [`<think>a</think><think>b ${OBJECT}`, 'unclosed_think'],
  ['```json\n{"knob": "lr", "new_', 'unclosed_fence'],
  ['```', 'unclosed_fence'],
  ['', 'empty'],
  [' \n', 'empty'],
  ['<think>all of it</think>\n', 'empty'],
  ['```json\n\n```', 'empty'],
])('%j is %s', (content, problem) => {
  expect(unwrapAnswer(content)).toMatchObject({ ok: false, problem });
});

test('an empty answer says whether there was reasoning', () => {
  expect(unwrapAnswer('', 'I thought about it')).toMatchObject({ detail: expect.stringContaining('only reasoning') });
  expect(unwrapAnswer('')).toMatchObject({ detail: expect.stringContaining('nothing') });
});

test('a megabyte of tags is looked through in no time', () => {
  const started = performance.now();
  unwrapAnswer('<think>'.repeat(150_000));
  unwrapAnswer(`${'`'.repeat(500_000)}\n${'`\n'.repeat(200_000)}`);
  unwrapAnswer('<think></think>'.repeat(20_000));
  expect(performance.now() - started).toBeLessThan(2000);
});
