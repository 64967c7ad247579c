import { afterEach, describe, expect, it } from 'vitest';
import { connect } from './client.js';
import { readJobLog } from './job-log.js';
import { sendJson, startServer, type TestServer } from './testing/json-server.js';

describe('readJobLog', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  /** A log that shows one more of its parts with each request that waits; with `next`, the attempt that follows a lost one. */
  async function read(logs: string[][], follow: boolean, limit = 4): Promise<string> {
    let attempt = 0;
    let shown = follow ? 1 : logs[0]!.length;
    server = await startServer((_url, request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const parts = logs[attempt]!;
      const whole = Buffer.from(parts.slice(0, shown).join(''));
      const isLast = shown >= parts.length && attempt === logs.length - 1;
      response.setHeader('x-log-complete', String(isLast));
      response.setHeader(
        'content-range',
        from >= whole.length ? `bytes */${whole.length}` : `bytes ${from}-/${whole.length}`,
      );
      if (from >= whole.length) {
        if (shown < parts.length) shown++;
        else if (!isLast) [attempt, shown] = [attempt + 1, 1];
        return sendJson(response, { code: 'range_not_satisfiable', detail: 'nothing there' }, 416);
      }
      response.statusCode = 206;
      return response.end(whole.subarray(from, from + limit));
    });
    const chunks: Uint8Array[] = [];
    const api = connect({ server: server.url, token: null });
    for await (const { bytes } of readJobLog(api, 'job_1', { follow, signal: new AbortController().signal }))
      chunks.push(bytes);
    return Buffer.concat(chunks).toString();
  }

  it('reads a long log part by part', async () => {
    expect(await read([['0123456789']], false)).toBe('0123456789');
  });

  it('follows a log as it grows, to its end', async () => {
    expect(await read([['one ', 'two ', '', 'three']], true)).toBe('one two three');
  });

  it('begins anew with the next attempt of a job that was lost', async () => {
    expect(await read([['lost attempt'], ['good']], true, 100)).toBe('lost attemptgood');
  });

  it('gives nothing of a job that has printed nothing', async () => {
    expect(await read([['']], false)).toBe('');
  });
});
