import { afterEach, describe, expect, it } from 'vitest';
import { connect, type Iteration } from './client.js';
import { followRun, type RunNews } from './follow-run.js';
import { iteration, run } from './testing/iteration.js';
import { sendJson, startServer, type TestServer } from './testing/json-server.js';

const ID = run().id;
const iterations: Iteration[] = [
  iteration(1, { state: 'kept', config: { lr: 0.01 } }),
  iteration(2, { proposal: { knob: 'lr', newValue: 0.02, reason: '' }, config: { lr: 0.02 } }),
];
const events = [
  ['run.queued', {}],
  ['job.queued', { jobId: 'job_b', role: 'baseline' }],
  ['job.succeeded', { jobId: 'job_b', metric: 2 }],
  ['run.running', {}],
  ['iteration.measuring', { iteration: 1 }],
  ['job.succeeded', { jobId: 'job_1', metric: 1.5 }],
  ['iteration.kept', { iteration: 1 }],
  ['iteration.measuring', { iteration: 2 }],
  ['job.queued', { jobId: 'job_s', role: 'screen', replicate: 1, iteration: 2 }],
  ['job.queued', { jobId: 'job_c', role: 'screen', replicate: 2, iteration: 2 }],
  ['iteration.reverted', { iteration: 2 }],
  ['run.completed', {}],
] as const;
const block = (index: number) =>
  `id: 0-${index}\nevent: ${events[index]![0]}\ndata: ${JSON.stringify({ type: events[index]![0], payload: events[index]![1] })}\n\n`;

describe('followRun', () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  /** Answers with `perConnection` events at a time and then cuts the connection. */
  async function serve(perConnection: number, status = 200): Promise<{ asked: string[] }> {
    const asked: string[] = [];
    server = await startServer((url, _request, response) => {
      if (url.pathname === '/v1/events') {
        const after = url.searchParams.get('after');
        asked.push(after ?? 'start');
        if (status !== 200) return sendJson(response, { code: 'forbidden', detail: 'no' }, status);
        const first = after === null ? 0 : Number(after.split('-')[1]) + 1;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(': connected\n\n');
        for (let at = first; at < Math.min(first + perConnection, events.length); at++) response.write(block(at));
        if (perConnection < events.length) response.write('id: 0-99\ndata: torn', () => response.socket?.destroy());
        return undefined;
      }
      if (url.pathname === `/v1/runs/${ID}/iterations`)
        return sendJson(response, { items: iterations.slice(0, 1), nextCursor: null });
      const number = /\/iterations\/(\d+)$/.exec(url.pathname)?.[1];
      return sendJson(response, number === undefined ? run() : iterations[Number(number) - 1]);
    });
    return { asked };
  }
  async function follow(signal = new AbortController().signal): Promise<RunNews[]> {
    const news: RunNews[] = [];
    for await (const item of followRun(connect({ server: server!.url, token: 't' }), ID, { signal })) news.push(item);
    return news;
  }

  it('tells the baseline, every decision once and the end', async () => {
    await serve(100);
    const news = await follow();
    expect(news.map(({ kind }) => kind)).toEqual(['baseline', 'iteration', 'screening', 'iteration', 'ended']);
    expect(news[2]).toEqual({ kind: 'screening', iteration: 2 });
    expect(news[0]).toEqual({ kind: 'baseline', values: [2] });
  });

  it('says what a knob was changed from: the baseline first, then what was kept', async () => {
    await serve(100);
    const changes = (await follow()).flatMap((item) => (item.kind === 'iteration' ? [item.from] : []));
    expect(changes).toEqual([0.003, 0.01]);
  });

  it('takes up a stream that breaks off, and tells nothing twice', async () => {
    const { asked } = await serve(3);
    expect((await follow()).map(({ kind }) => kind)).toEqual([
      'baseline',
      'iteration',
      'screening',
      'iteration',
      'ended',
    ]);
    expect(asked).toEqual(['start', '0-2', '0-5', '0-8']);
  });

  it('hands on what the control plane refuses', async () => {
    await serve(100, 403);
    await expect(follow()).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('ends when it is told to, also in the middle of a silence', async () => {
    const stop = new AbortController();
    server = await startServer((url, _request, response) => {
      if (url.pathname !== '/v1/events')
        return sendJson(response, url.pathname.endsWith('iterations') ? { items: [], nextCursor: null } : run());
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(block(0), () => stop.abort());
      return undefined;
    });
    expect(await follow(stop.signal)).toEqual([]);
  });

  it('tells why a silent run waits, once for each reason', async () => {
    const stop = new AbortController();
    const reasons = ['no box is enrolled', 'no box is enrolled', 'no box is enrolled', 'no box takes work'];
    server = await startServer((url, _request, response) => {
      if (url.pathname === '/v1/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        return void response.write(': connected\n\n');
      }
      if (url.pathname.endsWith('iterations')) return sendJson(response, { items: [], nextCursor: null });
      const waiting = reasons.shift() ?? null;
      if (waiting === null) stop.abort();
      return sendJson(response, run({ state: 'baseline', waiting }));
    });
    const news: RunNews[] = [];
    const api = connect({ server: server.url, token: 't' });
    for await (const item of followRun(api, ID, { signal: stop.signal, lookMs: 1 })) news.push(item);
    expect(news).toEqual([
      { kind: 'waiting', why: 'no box is enrolled' },
      { kind: 'waiting', why: 'no box takes work' },
    ]);
  });

  it('says that nobody answers', async () => {
    const gone = await startServer(() => undefined);
    await gone.close();
    server = { url: gone.url, close: async () => undefined };
    await expect(follow()).rejects.toMatchObject({ code: 'unavailable' });
    server = undefined;
  });
});
