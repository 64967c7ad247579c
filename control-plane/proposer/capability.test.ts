import { expect, test } from 'vitest';
import { capabilityFields, FULL_CAPABILITY, nextCapability, type Capability } from './capability.js';

function walk(from: Capability, param: (c: Capability) => string | null): Capability[] {
  const tried = [from];
  for (;;) {
    const next = nextCapability(tried, param(tried.at(-1) as Capability));
    if (next === null) return tried;
    tried.push(next);
  }
}

test('a refusal of the form steps down one mode at a time', () => {
  const modes = walk(FULL_CAPABILITY, () => 'response_format').map((c) => c.mode);
  expect(modes).toEqual(['json_schema', 'guided_json', 'json_object', 'plain']);
});

test('a refusal that blames a field changes that field only', () => {
  expect(nextCapability([FULL_CAPABILITY], 'max_tokens')).toEqual({
    ...FULL_CAPABILITY,
    tokensField: 'max_completion_tokens',
  });
  expect(nextCapability([FULL_CAPABILITY], 'stream_options.include_usage')).toEqual({
    ...FULL_CAPABILITY,
    usage: false,
  });
  expect(nextCapability([FULL_CAPABILITY], 'temperature')).toEqual({ ...FULL_CAPABILITY, temperature: false });
});

test('a refusal that blames the messages or the model ends it', () => {
  expect(nextCapability([FULL_CAPABILITY], 'messages[0].content')).toBeNull();
  expect(nextCapability([FULL_CAPABILITY], 'model')).toBeNull();
});

test('a refusal with no cause tries each thing once and comes to an end', () => {
  const tried = walk(FULL_CAPABILITY, () => null);
  expect(new Set(tried.map((c) => JSON.stringify(c))).size).toBe(tried.length);
  expect(tried.length).toBeLessThanOrEqual(9);
  expect(tried.at(-1)).toMatchObject({ mode: 'plain', usage: false, temperature: false });
});

test('a server that blames the token field whichever is sent does not loop', () => {
  expect(walk(FULL_CAPABILITY, () => 'max_tokens')).toHaveLength(2);
});

test('each mode sends its own fields', () => {
  const of = (capability: Partial<Capability>) =>
    Object.keys(
      capabilityFields({ ...FULL_CAPABILITY, ...capability }, { schema: {}, maxTokens: 5, temperature: 1 }),
    ).sort();
  expect(of({})).toEqual(['max_tokens', 'response_format', 'stream_options', 'temperature']);
  expect(of({ mode: 'guided_json', usage: false })).toEqual(['guided_json', 'max_tokens', 'nvext', 'temperature']);
  expect(of({ mode: 'plain', temperature: false, tokensField: 'max_completion_tokens' })).toEqual([
    'max_completion_tokens',
    'stream_options',
  ]);
});
