// Sealed. The "training" of this project: tries prompt.txt on the practice messages, shows where it goes wrong, and hands
// the text on to the evaluator.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { readMessages, readPrompt, scoreOf } from './clerk.mjs';

const text = readFileSync('prompt.txt', 'utf8');
const messages = readMessages(readFileSync(new URL('practice.tsv', import.meta.url), 'utf8'));
const { score, accuracy, words, wrong } = scoreOf(text, messages);
const answer = readPrompt(text);
for (const { message, label } of wrong.slice(0, 12)) console.log(`${answer(message)} and not ${label}: ${message}`);
console.log(`practice_score: ${score.toFixed(4)}`);
console.log(`practice_accuracy: ${accuracy.toFixed(4)}`);
console.log(`words: ${words}`);
if (process.env.NIGHTSHIFT_METRICS) {
  const points = { practice_score: score, practice_accuracy: accuracy, words };
  const lines = Object.entries(points).map(([name, value]) => `${JSON.stringify({ name, value })}\n`);
  appendFileSync(process.env.NIGHTSHIFT_METRICS, lines.join(''));
}
writeFileSync('submitted.txt', text);
