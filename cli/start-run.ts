import { randomUUID } from 'node:crypto';
import { dataOf, type Api, type Run } from './client.js';

/** Starts a run of a spec's input form. The key makes a second try after a broken connection harmless. */
export function startRun(api: Api, input: Record<string, unknown>, notes?: string): Promise<Run> {
  return dataOf(
    api.POST('/v1/runs', {
      params: { header: { 'idempotency-key': randomUUID() } },
      body: { spec: input, ...(notes === undefined ? {} : { notes }) },
    }),
  );
}
