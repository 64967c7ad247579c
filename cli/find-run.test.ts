import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect, type Api } from './client.js';
import { findRun } from './find-run.js';
import { run } from './testing/iteration.js';
import { sendJson, startServer, type TestServer } from './testing/json-server.js';

const ids = ['run_01aaaaaaaaaaaaaaaaaaaaaaa2', 'run_01aaaaaaaaaaaaaaaaaaaaaaa1', 'run_00bbbbbbbbbbbbbbbbbbbbbbbb'];

describe('findRun', () => {
  let server: TestServer;
  let api: Api;
  beforeEach(async () => {
    // Two pages, so that the last run is found on the second.
    server = await startServer((url, _request, response) => {
      const id = /^\/v1\/runs\/(.+)$/.exec(url.pathname)?.[1];
      if (id !== undefined) return sendJson(response, run({ id }));
      const isSecond = url.searchParams.has('cursor');
      const items = (isSecond ? ids.slice(2) : ids.slice(0, 2)).map((item) => run({ id: item }));
      return sendJson(response, { items, nextCursor: isSecond ? null : 'more' });
    });
    api = connect({ server: server.url, token: null });
  });
  afterEach(() => server.close());

  it('takes a whole id, a unique beginning with or without run_, and latest', async () => {
    expect((await findRun(api, ids[1]!)).id).toBe(ids[1]);
    expect((await findRun(api, 'run_00')).id).toBe(ids[2]);
    expect((await findRun(api, '00BB')).id).toBe(ids[2]);
    expect((await findRun(api, 'latest')).id).toBe(ids[0]);
  });

  it('names the runs that a beginning could mean, and refuses one that means none', async () => {
    await expect(findRun(api, '01a')).rejects.toMatchObject({
      code: 'bad_request',
      errors: [{ message: expect.stringContaining(ids[0]!) }, {}],
    });
    await expect(findRun(api, 'zz')).rejects.toMatchObject({ code: 'not_found' });
  });
});
