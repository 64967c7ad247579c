import { expect, test } from 'vitest';
import { answerTokens, estimateTokens, promptBudget, tokenUnits } from './tokens.js';

// The larger of OpenAI's o200k_base and of cl100k_base with a token a digit, as counted by those tokenisers.
test.each([
  ['weight_decay | 0.00377 | n=1 | 1.01394 | +0.59% | kept best | it 643 | repeat', 42],
  ['lr | also repeat | [0.00001,0.00003,0.00005,0.00007,0.00011]', 46],
  ['{"knob":"lr","type":"float","range":[0.00001,0.01],"scale":"log","now":0.0003,"default":0.0003,"tried":83}', 53],
  ['  reason: "A higher rate converges faster within the budget, because the schedule never decays."', 21],
  ['深さを増やすと学習が遅くなる。', 20],
  ['Глубина замедляет обучение', 12],
  ['🚀🚀🚀', 9],
])('%j is at least its %i tokens, and not twice as many', (text, tokens) => {
  expect(tokenUnits(text) / 3).toBeGreaterThanOrEqual(tokens);
  expect(tokenUnits(text) / 3).toBeLessThan(2 * tokens);
});

test('units add up over concatenation', () => {
  const [a, b] = ['lr | 0.001', ' ± 深'];
  expect(tokenUnits(a + b)).toBe(tokenUnits(a) + tokenUnits(b));
});

test('a message costs more than its text', () => {
  expect(estimateTokens([{ content: '' }, { content: '' }])).toBe(16);
});

test('an answer never takes more than half of the context', () => {
  expect(answerTokens({ contextTokens: 2000, maxTokens: 4000 })).toBe(1000);
  expect(promptBudget({ contextTokens: 2000, maxTokens: 400 })).toBe(1600);
});
