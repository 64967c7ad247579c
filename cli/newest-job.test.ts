import { afterEach, describe, expect, it } from 'vitest';
import { connect } from './client.js';
import { newestJobOf } from './newest-job.js';
import { iteration } from './testing/iteration.js';
import { sendJson, startServer, type TestServer } from './testing/json-server.js';

const BEGUN = '2026-01-01T00:00:00.000Z';

describe('the newest job of an iteration', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  async function newest(number: number, state: 'kept' | 'blocked', jobs: object[]): Promise<string> {
    const one = iteration(number, { state });
    server = await startServer((url, _request, response) => {
      if (url.pathname !== '/v1/jobs') return sendJson(response, one);
      const items = jobs.map((job) => ({ iterationId: one.id, replicate: 1, startedAt: BEGUN, ...job }));
      return sendJson(response, { items, nextCursor: null });
    });
    return (await newestJobOf(connect({ server: server.url, token: 't' }), 'run_1', number)).id;
  }

  it('is its own, not one of what it is compared with', async () => {
    const jobs = [
      { id: 'job_6', role: 'replicate', startedAt: null },
      { id: 'job_5', role: 'audit' },
      { id: 'job_4', role: 'screen', replicate: 2 },
      { id: 'job_3', role: 'candidate' },
      { id: 'job_2', role: 'screen' },
    ];
    expect(await newest(4, 'kept', jobs)).toBe('job_3');
  });

  it('is one of the baseline for 0', async () => {
    expect(
      await newest(0, 'kept', [
        { id: 'job_3', role: 'candidate' },
        { id: 'job_2', role: 'baseline', iterationId: null },
      ]),
    ).toBe('job_2');
  });

  it('is missed with the reason where nothing ran', async () => {
    await expect(newest(4, 'blocked', [])).rejects.toThrow('it is blocked, and nothing of it ran');
    await expect(newest(0, 'kept', [{ id: 'job_1', role: 'baseline', startedAt: null }])).rejects.toThrow(
      'none of its jobs has begun',
    );
  });
});
