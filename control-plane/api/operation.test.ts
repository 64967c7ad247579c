import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findRun, insertModelCall, listIterations, openDatabase } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { finishedRun, testApi, type TestApi } from '../testing/test-api.js';

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await testApi(database.db);
});
afterAll(async () => {
  api.stop();
  await database.drop();
});

/** The samples of a scrape: `name{labels}` to value. */
async function scrape(): Promise<Map<string, number>> {
  const response = await api.call('GET', '/metrics', { token: await api.token('read') });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/plain');
  const samples = new Map<string, number>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-z_0-9]+(?:\{(?:[a-z]+="[^"]*",?)+\})?) (\S+)$/.exec(line);
    expect(match, `not a sample: ${line}`).not.toBeNull();
    expect(samples.has(match?.[1] ?? ''), `twice: ${line}`).toBe(false);
    samples.set(match?.[1] ?? '', Number(match?.[2]));
  }
  return samples;
}

test('/healthz and /readyz answer without a token', async () => {
  for (const path of ['/healthz', '/readyz'])
    expect(await api.json('GET', path, { token: null })).toMatchObject({
      status: 200,
      body: { status: 'ok', version: '0.0.0' },
    });
});

test('/readyz says within seconds that the database is gone, while /healthz still answers', async () => {
  const gone = await openDatabase({ url: database.url, max: 1 });
  const alone = await testApi(gone.db);
  await gone.close();
  expect(await alone.json('GET', '/readyz', { token: null })).toMatchObject({
    status: 503,
    body: { code: 'database_unavailable' },
  });
  expect(await alone.json('GET', '/healthz', { token: null })).toMatchObject({ status: 200 });
  alone.stop();
});

test('/readyz does not wait for a database that hangs', async () => {
  const busy = await openDatabase({ url: database.url, max: 1 });
  const alone = await testApi(busy.db);
  // A query begins when it is first waited for.
  const sleeping = Promise.resolve(busy.db.execute('select pg_sleep(600)')).catch(() => undefined);
  expect((await alone.call('GET', '/readyz', { token: null })).status).toBe(503);
  await database.sql`select pg_cancel_backend(pid) from pg_stat_activity where query = 'select pg_sleep(600)'`;
  await sleeping;
  alone.stop();
  await busy.close();
});

describe('/metrics', () => {
  test('counts answers by route, method and status, never by path', async () => {
    await api.call('GET', '/v1/runs/one');
    await api.call('GET', '/v1/runs/two');
    await api.call('GET', '/v1/runs', { token: null });
    await api.call('GET', '/never/heard/of');
    await api.call('BREW', '/v1/runs');
    const samples = await scrape();
    expect(samples.get('nightshift_http_requests_total{route="/v1/runs/:id",method="GET",status="404"}')).toBe(2);
    expect(samples.get('nightshift_http_requests_total{route="/v1/runs",method="GET",status="401"}')).toBe(1);
    expect(samples.get('nightshift_http_requests_total{route="unmatched",method="GET",status="404"}')).toBe(1);
    expect(samples.get('nightshift_http_requests_total{route="unmatched",method="other",status="404"}')).toBe(1);
    expect([...samples.keys()].filter((name) => /one|two|heard/.test(name))).toEqual([]);
    expect(samples.get('nightshift_http_request_duration_seconds_count{route="/v1/runs/:id",method="GET"}')).toBe(2);
  });

  test('tells runs, jobs and boxes by state, model calls by outcome, and the event loop', async () => {
    const run = (await findRun(database.db, (await finishedRun(database.db)).id))!;
    const [iteration] = await listIterations(database.db, run.id);
    for (const latencyMs of [300, 1200, 90_000, 200_000])
      await insertModelCall(database.db, {
        runId: run.id,
        iterationId: iteration!.id,
        model: 'm',
        messages: [],
        outcome: 'accepted',
        latencyMs,
      });
    const samples = await scrape();
    expect(samples.get('nightshift_runs{state="completed"}')).toBe(1);
    expect(samples.get('nightshift_runs{state="failed"}')).toBe(0);
    expect(samples.get('nightshift_jobs{state="succeeded"}')).toBeGreaterThan(1);
    expect(samples.get('nightshift_boxes{state="online"}')).toBe(1);
    expect(samples.get('nightshift_websocket_sessions')).toBe(0);
    expect(samples.get('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    const calls = 'nightshift_model_call_duration_seconds';
    const within = (bound: string) => samples.get(`${calls}_bucket{le="${bound}",outcome="accepted"}`);
    expect(['0.25', '0.5', '1', '2.5', '60', '120', '+Inf'].map(within)).toEqual([0, 1, 1, 2, 2, 3, 4]);
    expect(samples.get(`${calls}_sum{outcome="accepted"}`)).toBeCloseTo(291.5);
    expect(samples.get(`${calls}_count{outcome="accepted"}`)).toBe(4);
  });
});

describe('/docs', () => {
  test('takes everything from this host, under a policy that allows nothing else', async () => {
    const page = await api.call('GET', '/docs', { token: null });
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => !link.startsWith('data:'));
    expect(links.length).toBe(3);
    for (const link of links) {
      expect(link).toMatch(/^\/docs\//);
      const asset = await api.call('GET', link, { token: null });
      expect([asset.status, asset.headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
      expect((await asset.arrayBuffer()).byteLength).toBeGreaterThan(100);
    }
    expect((await api.call('GET', '/docs/../package.json', { token: null })).status).toBe(404);
  });

  test('shows the document of this server', async () => {
    const { status, body } = await api.json('GET', '/openapi.json', { token: null });
    expect(status).toBe(200);
    expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'Nightshift' }, servers: [{ url: '/' }] });
    const schema = await api.json('GET', '/v1/spec.schema.json', { token: null });
    expect(schema.body).toMatchObject({ title: 'nightshift.yaml' });
  });
});
