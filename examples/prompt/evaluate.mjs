// Sealed. The score of the submitted prompt on messages that practice does not show.
import { appendFileSync, readFileSync } from 'node:fs';
import { readMessages, scoreOf } from './clerk.mjs';

try {
  const messages = readMessages(readFileSync(new URL('held-out.tsv', import.meta.url), 'utf8'));
  const { score, accuracy, words } = scoreOf(readFileSync('submitted.txt', 'utf8'), messages);
  console.log(`accuracy: ${accuracy.toFixed(4)}`);
  console.log(`words: ${words}`);
  console.log(`score: ${score.toFixed(6)}`);
  if (process.env.NIGHTSHIFT_METRICS) {
    appendFileSync(process.env.NIGHTSHIFT_METRICS, `${JSON.stringify({ name: 'score', value: Number(score.toFixed(6)) })}\n`);
  }
} catch (error) {
  console.error(`evaluate: ${error.message}`);
  process.exitCode = 1;
}
