import { describe, expect, test } from 'vitest';
import type { BoxFacts } from '@nightshift/protocol';
import { boxFingerprint, fingerprintOf } from './fingerprint.js';

const gpu = { index: 0, name: 'NVIDIA GB10', memoryBytes: 128 * 2 ** 30, isUnified: true, driver: '580.95' };
const facts: BoxFacts = {
  hostname: 'spark',
  os: 'linux 6.11',
  arch: 'arm64',
  cpus: 20,
  memoryBytes: 128 * 2 ** 30,
  gpus: [gpu],
  node: 'v22.1.0',
  agentVersion: '0.1.0',
};
const told = { source: 'aa', evaluator: 'bb', setup: 'key filled', hostname: 'spark', node: 'v22.1.0', gpu: gpu.name };
const box = { id: 'box_1', facts };
const plain = fingerprintOf(box, { budgetMs: 1000, told });

describe('a fingerprint', () => {
  test('is short, and begins with what is known of the box before a job runs', () => {
    expect(plain).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}$/);
    expect(plain.startsWith(`${boxFingerprint(box)}-`)).toBe(true);
  });

  test.each([
    ['another box', { ...box, id: 'box_2' }, told, 1000],
    ['another driver', { ...box, facts: { ...facts, gpus: [{ ...gpu, driver: '590.1' }] } }, told, 1000],
    ['another GPU', { ...box, facts: { ...facts, gpus: [gpu, { ...gpu, index: 1 }] } }, told, 1000],
    ['less GPU memory', { ...box, facts: { ...facts, gpus: [{ ...gpu, memoryBytes: 64 * 2 ** 30 }] } }, told, 1000],
    ['another source', box, { ...told, source: 'ab' }, 1000],
    ['another evaluator', box, { ...told, evaluator: 'bc' }, 1000],
    ['another setup', box, { ...told, setup: 'other filled' }, 1000],
    ['another framework', box, { ...told, torch: '2.9.0' }, 1000],
    ['another class of clocks', box, { ...told, clocks: '2400' }, 1000],
    ['clocks that are stuck', box, { ...told, gpuSmClockMhz: '611', gpuHealth: 'throttled' }, 1000],
    ['another budget', box, told, 2000],
  ])('differs for %s', (_what, other, tells, budgetMs) => {
    expect(fingerprintOf(other, { budgetMs, told: tells })).not.toBe(plain);
  });

  test.each([
    ['the order of what was told', box, Object.fromEntries(Object.entries(told).reverse())],
    ['a cached setup', box, { ...told, setup: 'key cached' }],
    ['the name of the host', box, { ...told, hostname: 'renamed' }],
    [
      'the agent and its Node',
      { ...box, facts: { ...facts, node: 'v24', agentVersion: '9' } },
      { ...told, node: 'v24' },
    ],
    [
      'a few pages of memory',
      { ...box, facts: { ...facts, gpus: [{ ...gpu, memoryBytes: 128 * 2 ** 30 - 4096 }] } },
      told,
    ],
    ['a commit with the same files', box, { ...told, commit: 'cafe' }],
    ['clocks that are well', box, { ...told, gpuSmClockMhz: '2411', gpuPowerWatts: '53.9', gpuHealth: 'ok' }],
  ])('is the same whatever %s', (_what, other, tells) => {
    expect(fingerprintOf(other, { budgetMs: 1000, told: tells })).toBe(plain);
  });
});
