import { expect, test } from 'vitest';
import { waitForMemory } from './memory-gate.js';
import { StopSignal } from './stop-signal.js';

test('a job starts when memory is back, and not before', async () => {
  const readings = [100, 120, 149, 150];
  let reads = 0;
  expect(await waitForMemory(100, new StopSignal(), () => readings[reads++] ?? 0)).toBe(true);
  expect(reads).toBe(4);
});
test('it does not wait for ever, nor after a stop, nor where there is nothing to read', async () => {
  expect(await waitForMemory(100, new StopSignal(), () => 0, 1)).toBe(false);
  const stop = new StopSignal();
  stop.request({ kind: 'cancelled', detail: '' });
  expect(await waitForMemory(100, stop, () => 0)).toBe(false);
  expect(await waitForMemory(100, new StopSignal(), () => null)).toBe(true);
  expect(await waitForMemory(null, new StopSignal(), () => 0)).toBe(true);
});
test('the first cause of a stop wins, and late listeners hear it', () => {
  const stop = new StopSignal();
  const heard: string[] = [];
  const off = stop.onRequest((cause) => heard.push(`gone ${cause.kind}`));
  off();
  stop.onRequest((cause) => heard.push(cause.kind));
  stop.request({ kind: 'limit' });
  stop.request({ kind: 'cancelled', detail: '' });
  stop.onRequest((cause) => heard.push(`late ${cause.kind}`));
  expect(heard).toEqual(['limit', 'late limit']);
});
