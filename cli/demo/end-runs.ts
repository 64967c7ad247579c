import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import { dataOf, type Api } from '../client.js';

/** A job gets INT, its grace of 2 s, TERM, again 2 s, and KILL; then the box reports. After this something hangs, and we go on without. */
const END_MS = 15_000;
const LOOK_MS = 100;

/** Stops every run that has not ended and waits until their jobs are off the box. @returns whether all have ended. */
export async function endRuns(api: Api): Promise<boolean> {
  const { items } = await dataOf(api.GET('/v1/runs', { params: { query: { limit: 100 } } }));
  const open = items.filter(({ endedAt }) => endedAt === null);
  for (const { id } of open)
    await dataOf(api.POST('/v1/runs/{id}/stop', { params: { path: { id } } })).catch((error: unknown) => {
      // It ended by itself a moment ago.
      if (!(error instanceof AppError && error.code === 'illegal_state')) throw error;
    });
  const until = performance.now() + END_MS;
  for (const { id } of open) {
    while ((await dataOf(api.GET('/v1/runs/{id}', { params: { path: { id } } }))).endedAt === null) {
      if (performance.now() > until) return false;
      await delay(LOOK_MS);
    }
  }
  return true;
}
