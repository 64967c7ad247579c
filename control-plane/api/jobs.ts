import { createRoute, z } from '@hono/zod-openapi';
import { AppError, JOB_STATES, toWireNumber } from '@nightshift/protocol';
import {
  cancelJob,
  findJob,
  findLatestAttempt,
  listAttempts,
  listJobs,
  listMetrics,
  readLog,
  recordEvent,
  type JobRow,
} from '@nightshift/db';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { decodeCursor, paged, pageOf, pageQuery } from './paging.js';
import { problem, problems } from './problem.js';
import { parseRange } from './range.js';
import { answer, notJson, router } from './router.js';
import { jobSchema, jobView } from './run-view.js';
import { waitFor } from './wait.js';

/** Log bytes in one answer at most; a client reads on with Range. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;

/** The largest sequence number that the database stores. */
const MAX_SEQ = 2 ** 31 - 1;

const jobId = z.object({
  id: z
    .string()
    .max(64)
    .openapi({ param: { name: 'id', in: 'path' }, example: 'job_01k…' }),
});

const attemptSchema = z
  .object({
    id: z.string(),
    number: z.number().int(),
    boxId: z.string(),
    state: z.enum(['assigned', 'running', 'ended', 'fenced']),
    phase: z.string().nullable(),
    logBytes: z.number().int(),
    metricCount: z.number().int(),
    exit: z.record(z.string(), z.unknown()).nullable(),
    offeredAt: z.iso.datetime(),
    startedAt: z.iso.datetime().nullable(),
    endedAt: z.iso.datetime().nullable(),
  })
  .openapi('Attempt');

async function requireJob(deps: ApiDeps, id: string): Promise<JobRow> {
  const job = await findJob(deps.db, id);
  if (!job) throw new AppError('not_found', `there is no job ${id}`);
  return job;
}

export function jobs(deps: ApiDeps) {
  const app = router();
  const read = needs(deps, 'read');

  app.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['jobs'],
      summary: 'List jobs, newest first',
      operationId: 'listJobs',
      security: bearer,
      middleware: [read] as const,
      request: {
        query: pageQuery.extend({ run: z.string().max(64).optional(), state: z.enum(JOB_STATES).optional() }),
      },
      responses: { 200: answer('a page of jobs', pageOf(jobSchema, 'JobPage')), ...problems() },
    }),
    async (c) => {
      const { cursor, limit, run, state } = c.req.valid('query');
      const rows = await listJobs(deps.db, { runId: run, state, before: decodeCursor(cursor), limit: limit + 1 });
      const page = paged(rows, limit, (row) => row.id);
      return c.json({ ...page, items: page.items.map(jobView) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}',
      tags: ['jobs'],
      summary: 'One job, with its attempts',
      operationId: 'getJob',
      security: bearer,
      middleware: [read] as const,
      request: { params: jobId },
      responses: {
        200: answer('the job', jobSchema.extend({ attempts: z.array(attemptSchema) }).openapi('JobDetail')),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const job = await requireJob(deps, c.req.valid('param').id);
      const attempts = await listAttempts(deps.db, job.id);
      return c.json(
        {
          ...jobView(job),
          attempts: attempts.map((attempt) => ({
            id: attempt.id,
            number: attempt.number,
            boxId: attempt.boxId,
            state: attempt.state,
            phase: attempt.phase,
            logBytes: attempt.logBytes,
            metricCount: attempt.metricCount,
            exit: attempt.exit === null ? null : { ...attempt.exit },
            offeredAt: attempt.offeredAt.toISOString(),
            startedAt: attempt.startedAt?.toISOString() ?? null,
            endedAt: attempt.endedAt?.toISOString() ?? null,
          })),
        },
        200,
      );
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/{id}/cancel',
      tags: ['jobs'],
      summary: 'Stop one job; its iteration is cancelled, the run goes on',
      operationId: 'cancelJob',
      security: bearer,
      middleware: [needs(deps, 'run')] as const,
      request: { params: jobId },
      responses: { 200: answer('the job', jobSchema), ...problems('not_found', 'illegal_state') },
    }),
    async (c) => {
      const job = await requireJob(deps, c.req.valid('param').id);
      const detail = 'cancelled on request';
      const changed = await deps.db.transaction(async (tx) => {
        const done = await cancelJob(tx, job.id, detail);
        const { id: jobId, runId, attempt } = job;
        if (done === 'ended')
          await recordEvent(tx, {
            type: 'job.cancelled',
            runId,
            payload: { jobId, attempt, reason: 'cancelled', detail, metric: null },
          });
        if (done === 'asked') await recordEvent(tx, { type: 'job.cancelling', runId, payload: { jobId } });
        return done;
      });
      const now = await requireJob(deps, job.id);
      if (changed === null && now.endedAt) throw new AppError('illegal_state', `the job is ${now.state} already`);
      deps.wake.run(job.runId);
      deps.wake.fleet();
      return c.json(jobView(now), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/log',
      tags: ['jobs'],
      summary: 'The terminal output as raw bytes; Range reads a part',
      description:
        'The log of the newest attempt, or of the attempt asked for. At most 4 MiB an answer: read on with Range. `wait` holds the answer until there are bytes at the start of the range or the job has ended. `X-Job-State` tells the state, `X-Log-Complete: true` that no more bytes will come.',
      operationId: 'getJobLog',
      security: bearer,
      middleware: [read] as const,
      request: {
        params: jobId,
        headers: z.object({ range: z.string().max(100).optional().openapi({ example: 'bytes=0-' }) }),
        query: z.object({
          attempt: z.coerce.number().int().min(1).optional(),
          wait: z.coerce.number().min(0).max(50).default(0),
        }),
      },
      responses: {
        200: {
          description: 'the whole log, when it is at most 4 MiB',
          content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
        },
        206: {
          description: 'a part of the log',
          content: { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } },
        },
        ...problems('not_found', 'range_not_satisfiable'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { attempt: number, wait } = c.req.valid('query');
      let job = await requireJob(deps, id);
      const find = async () =>
        number === undefined
          ? findLatestAttempt(deps.db, id)
          : (await listAttempts(deps.db, id)).find((attempt) => attempt.number === number);
      const header = c.req.header('range');
      const range = header === undefined ? { from: 0, to: null } : parseRange(header);
      if (!range)
        throw new AppError(
          'range_not_satisfiable',
          `Range: ${header} is not of the form bytes=FROM- or bytes=FROM-TO or bytes=-LAST`,
        );
      let attempt = await find();
      const start = 'from' in range ? range.from : 0;
      if (wait > 0)
        await waitFor(deps.signal, wait * 1000, async () => {
          [job, attempt] = [await requireJob(deps, id), await find()];
          return (attempt?.logBytes ?? 0) > start || job.endedAt !== null;
        });
      if (number !== undefined && !attempt) throw new AppError('not_found', `job ${id} has had no attempt ${number}`);
      const size = attempt?.logBytes ?? 0;
      const from = 'last' in range ? Math.max(0, size - range.last) : range.from;
      const headers: Record<string, string> = {
        'accept-ranges': 'bytes',
        'content-type': 'application/octet-stream',
        'x-content-type-options': 'nosniff',
        'x-job-state': job.state,
        'x-log-complete': String(job.endedAt !== null),
      };
      if (header !== undefined && from >= size) {
        for (const [name, value] of Object.entries({ ...headers, 'content-range': `bytes */${size}` }))
          if (name !== 'content-type') c.header(name, value);
        return notJson(problem(c, { code: 'range_not_satisfiable', detail: `the log has ${size} bytes so far` }));
      }
      const to = Math.min('to' in range && range.to !== null ? range.to + 1 : size, size, from + MAX_LOG_BYTES);
      const data = attempt ? await readLog(deps.db, attempt.id, from, to) : Buffer.alloc(0);
      const isWhole = header === undefined && from === 0 && to === size;
      if (!isWhole) headers['content-range'] = `bytes ${from}-${Math.max(from, to - 1)}/${size}`;
      return notJson(c.body(new Uint8Array(data), isWhole ? 200 : 206, headers));
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/metrics',
      tags: ['jobs'],
      summary: 'The metric points that the newest attempt reported',
      operationId: 'getJobMetrics',
      security: bearer,
      middleware: [read] as const,
      request: {
        params: jobId,
        query: z.object({
          name: z.string().max(100).optional(),
          after: z.coerce.number().int().min(0).max(MAX_SEQ).default(0),
          limit: z.coerce.number().int().min(1).max(5000).default(1000),
        }),
      },
      responses: {
        200: answer(
          'points in the order in which they came; ask again with after = the last seq + 1',
          z.object({
            items: z.array(
              z.object({
                seq: z.number().int(),
                name: z.string(),
                value: z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]),
                step: z.number().int().nullable(),
                at: z.iso.datetime().nullable(),
              }),
            ),
          }),
        ),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const job = await requireJob(deps, c.req.valid('param').id);
      const attempt = await findLatestAttempt(deps.db, job.id);
      const points = attempt ? await listMetrics(deps.db, attempt.id, c.req.valid('query')) : [];
      return c.json(
        {
          items: points.map((point) => ({
            seq: point.seq,
            name: point.name,
            value: toWireNumber(point.value),
            step: point.step,
            at: point.at?.toISOString() ?? null,
          })),
        },
        200,
      );
    },
  );
  return app;
}
