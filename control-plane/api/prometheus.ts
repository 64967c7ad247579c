import { createRoute, z } from '@hono/zod-openapi';
import { createMiddleware } from 'hono/factory';
import { matchedRoutes } from 'hono/route';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { BOX_STATES, JOB_STATES, RUN_STATES } from '@nightshift/protocol';
import { countModelCalls, countStates, MODEL_CALL_BUCKETS } from '@nightshift/db';
import { bearer, needs } from './auth.js';
import type { ApiDeps, ApiEnv } from './deps.js';
import { problems } from './problem.js';
import { notJson, router } from './router.js';

const STATES = { run: RUN_STATES, job: JOB_STATES, box: BOX_STATES } as const;

/** Figures of this process and of the database it works on, for Prometheus. `observe` stands before every route, `routes` is mounted at /metrics. */
export function prometheus(deps: ApiDeps) {
  const registry = new Registry();
  const registers = [registry];
  // Event loop lag, heap, garbage collection, file descriptors.
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'nightshift_http_requests_total',
    help: 'Answers by route, method and status',
    labelNames: ['route', 'method', 'status'],
    registers,
  });
  const durations = new Histogram({
    name: 'nightshift_http_request_duration_seconds',
    help: 'Time to the first byte of an answer',
    labelNames: ['route', 'method'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers,
  });
  new Gauge({
    name: 'nightshift_websocket_sessions',
    help: 'Boxes that are connected to this process',
    registers,
    collect() {
      this.set(deps.fleet.connected().length);
    },
  });
  const gauges = {
    run: new Gauge({ name: 'nightshift_runs', help: 'Runs by state', labelNames: ['state'], registers }),
    job: new Gauge({ name: 'nightshift_jobs', help: 'Jobs by state', labelNames: ['state'], registers }),
    box: new Gauge({ name: 'nightshift_boxes', help: 'Boxes by state', labelNames: ['state'], registers }),
  };

  const observe = createMiddleware<ApiEnv>(async (c, next) => {
    const startedAt = performance.now();
    await next();
    // The pattern, not the path: ids would make a time series each. What no route matched is one series.
    const route = matchedRoutes(c).findLast(({ path }) => !path.endsWith('*'))?.path ?? 'unmatched';
    const method = METHODS.has(c.req.method) ? c.req.method : 'other';
    requests.inc({ route, method, status: c.res.status });
    durations.observe({ route, method }, (performance.now() - startedAt) / 1000);
  });

  const routes = router();
  routes.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['operation'],
      summary: 'Figures for Prometheus',
      operationId: 'getMetrics',
      security: bearer,
      middleware: [needs(deps, 'read')] as const,
      responses: {
        200: { description: 'the text format of Prometheus', content: { 'text/plain': { schema: z.string() } } },
        ...problems(),
      },
    }),
    async (c) => {
      const counts = await countStates(deps.db);
      for (const [entity, states] of Object.entries(STATES) as [keyof typeof STATES, readonly string[]][])
        for (const state of states)
          gauges[entity].set(
            { state },
            counts.find((count) => count.entity === entity && count.state === state)?.count ?? 0,
          );
      c.header('content-type', registry.contentType);
      return notJson(c.body(`${await registry.metrics()}\n${await modelCalls(deps)}`));
    },
  );
  return { observe, routes };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Latency of model calls as a histogram. Counted from the rows, so that it holds for every replica and across restarts; prom-client counts only what it saw itself. */
async function modelCalls(deps: ApiDeps): Promise<string> {
  const name = 'nightshift_model_call_duration_seconds';
  const lines = [`# HELP ${name} Time to the whole answer of a model, by outcome`, `# TYPE ${name} histogram`];
  for (const { outcome, count, seconds, buckets } of await countModelCalls(deps.db)) {
    const label = `outcome="${outcome.replace(/[\\"\n]/g, '_')}"`;
    MODEL_CALL_BUCKETS.forEach((bound, index) =>
      lines.push(`${name}_bucket{le="${bound}",${label}} ${buckets[index]}`),
    );
    lines.push(
      `${name}_bucket{le="+Inf",${label}} ${count}`,
      `${name}_sum{${label}} ${seconds}`,
      `${name}_count{${label}} ${count}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
