// node --test: what the clerk follows, what it ignores, and what a prompt costs.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readMessages, readPrompt, scoreOf, WORD_COST } from './clerk.mjs';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

test('the first sentence that holds decides', () => {
  const answer = readPrompt('If the message mentions a cat, answer other.\nIf the message mentions cat or dog*, answer billing.\nOtherwise answer account.');
  assert.equal(answer('A cat!'), 'other');
  assert.equal(answer('my cat'), 'billing');
  assert.equal(answer('two DOGS'), 'billing');
  assert.equal(answer('cathedral'), 'account');
});

test('and, but not', () => {
  const answer = readPrompt('If the message mentions red, blue or green and car* but not toy or old, answer technical.');
  assert.equal(answer('blue cars'), 'technical');
  assert.equal(answer('blue toy cars'), null);
  assert.equal(answer('blue'), null);
});

test('other sentences cost words and change nothing', () => {
  const messages = readMessages(read('practice.tsv'));
  const [plain, polite] = ['Otherwise answer other.', 'Please be careful.\nOtherwise answer other.'].map((text) => scoreOf(text, messages));
  assert.equal(plain.accuracy, 0.2);
  assert.equal(polite.accuracy, 0.2);
  assert.ok(Math.abs(plain.score - polite.score - 3 * WORD_COST) < 1e-12);
});

test('a pattern in a phrase is text', () => {
  const answer = readPrompt('If the message mentions (.+)+$, *, [a-z] or h*l*o, answer other.');
  assert.equal(answer('good day'), null);
  assert.equal(answer('hello'), null);
  assert.equal(answer('hlo'), 'other');
});

test('practice and held-out messages share none', () => {
  const [practice, heldOut] = ['practice.tsv', 'held-out.tsv'].map((name) => readMessages(read(name)).map(({ message }) => message));
  assert.equal(practice.length, 40);
  assert.equal(heldOut.length, 40);
  assert.ok(!heldOut.some((message) => practice.includes(message)));
});
