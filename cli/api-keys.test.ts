import { expect, test } from 'vitest';
import { apiKeys } from './api-keys.js';

test('a spec gets keys that are meant for it, and of others the log tells once how to allow them', () => {
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const env = {
    OPENAI_API_KEY: 'a',
    VLLM_TOKEN: 'b',
    DATABASE_URL: 'postgres://secret',
    NIGHTSHIFT_API_KEY_ENVS: 'OTHER, VLLM_TOKEN',
  };
  const read = apiKeys(env, log);
  expect(['OPENAI_API_KEY', 'VLLM_TOKEN', 'OTHER', 'MISSING_API_KEY'].map(read)).toEqual([
    'a',
    'b',
    undefined,
    undefined,
  ]);
  expect(warnings).toEqual([]);
  expect(['DATABASE_URL', 'DATABASE_URL', '', 'API_KEY_', 'toString'].map(read)).toEqual(Array(5).fill(undefined));
  expect(warnings).toHaveLength(4);
  expect(warnings[0]).toMatch(/DATABASE_URL.*NIGHTSHIFT_API_KEY_ENVS/);
  expect(warnings.join()).not.toContain('secret');
});

test('without a list only names of keys are read', () => {
  const read = apiKeys({ VLLM_TOKEN: 'b', '': 'c', X_API_KEY: 'd' }, { warn: () => undefined });
  expect(['VLLM_TOKEN', '', 'X_API_KEY'].map(read)).toEqual([undefined, undefined, 'd']);
});
