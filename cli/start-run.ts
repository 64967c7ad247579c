import { randomUUID } from 'node:crypto';
import type { components } from './api.js';
import { dataOf, type Api, type Run } from './client.js';

export interface StartOptions {
  notes?: string | undefined;
  /** Code mode: the session that the run goes on from. */
  earlier?: components['schemas']['EarlierSession'] | undefined;
}

/** Starts a run of a spec's input form. The key makes a second try after a broken connection harmless. */
export function startRun(
  api: Api,
  input: Record<string, unknown>,
  { notes, earlier }: StartOptions = {},
): Promise<Run> {
  return dataOf(
    api.POST('/v1/runs', {
      params: { header: { 'idempotency-key': randomUUID() } },
      body: {
        spec: input,
        ...(notes === undefined ? {} : { notes }),
        ...(earlier === undefined ? {} : { earlier }),
      },
    }),
  );
}
