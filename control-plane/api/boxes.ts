import { createRoute, z } from '@hono/zod-openapi';
import { AppError } from '@nightshift/protocol';
import {
  findBox,
  listBoxes,
  listTelemetry,
  recordEvent,
  revokeTokensOfBox,
  updateBox,
  type BoxRow,
} from '@nightshift/db';
import { effectiveLabels } from '../fleet/job-spec.js';
import { bearer, needs } from './auth.js';
import type { ApiDeps } from './deps.js';
import { decodeCursor, paged, pageOf, pageQuery } from './paging.js';
import { problems } from './problem.js';
import { answer, router } from './router.js';

export const boxSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum(['online', 'unreachable']),
    isCordoned: z.boolean(),
    cordonReason: z
      .string()
      .nullable()
      .openapi({ description: 'who cordoned it, or the failures after which it was; null when it is not cordoned' }),
    isDraining: z.boolean(),
    isDirty: z.boolean(),
    dirtyPids: z.array(z.number().int()),
    labels: z.array(z.string()),
    freeSlots: z.number().int(),
    facts: z.record(z.string(), z.unknown()).nullable(),
    lastSeenAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .openapi('Box');

export function boxView(box: BoxRow): z.infer<typeof boxSchema> {
  return {
    id: box.id,
    name: box.name,
    state: box.state,
    isCordoned: box.isCordoned,
    // An older control plane lifts a cordon and leaves its reason.
    cordonReason: box.isCordoned ? box.cordonReason : null,
    isDraining: box.isDraining,
    isDirty: box.dirtyPids.length > 0,
    dirtyPids: box.dirtyPids,
    labels: effectiveLabels(box),
    freeSlots: box.freeSlots,
    facts: box.facts === null ? null : { ...box.facts },
    lastSeenAt: box.lastSeenAt?.toISOString() ?? null,
    createdAt: box.createdAt.toISOString(),
  };
}

const boxId = z.object({
  id: z
    .string()
    .max(100)
    .openapi({ param: { name: 'id', in: 'path' }, description: 'id or name' }),
});

async function requireBox(deps: ApiDeps, id: string): Promise<BoxRow> {
  const box = await findBox(deps.db, id);
  if (!box) throw new AppError('not_found', `there is no box ${id}`);
  return box;
}

export function boxes(deps: ApiDeps) {
  const app = router();
  const read = needs(deps, 'read');
  const admin = needs(deps, 'admin');

  app.openapi(
    createRoute({
      method: 'get',
      path: '/',
      tags: ['boxes'],
      summary: 'List boxes',
      operationId: 'listBoxes',
      security: bearer,
      middleware: [read] as const,
      request: { query: pageQuery },
      responses: { 200: answer('a page of boxes', pageOf(boxSchema, 'BoxPage')), ...problems() },
    }),
    async (c) => {
      const { cursor, limit } = c.req.valid('query');
      const page = paged(
        await listBoxes(deps.db, { after: decodeCursor(cursor), limit: limit + 1 }),
        limit,
        (row) => row.id,
      );
      return c.json({ ...page, items: page.items.map(boxView) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}',
      tags: ['boxes'],
      summary: 'One box',
      operationId: 'getBox',
      security: bearer,
      middleware: [read] as const,
      request: { params: boxId },
      responses: { 200: answer('the box', boxSchema), ...problems('not_found') },
    }),
    async (c) => c.json(boxView(await requireBox(deps, c.req.valid('param').id)), 200),
  );

  for (const [verb, patch, summary] of [
    ['cordon', (by: string) => ({ isCordoned: true, cordonReason: `by ${by}` }), 'Give the box no new work'],
    ['uncordon', () => ({ isCordoned: false, cordonReason: null, infraFailures: 0 }), 'Give the box work again'],
    ['drain', () => ({ isDraining: true }), 'Let the box finish what it has and give it no new work'],
    ['undrain', () => ({ isDraining: false }), 'End the drain'],
  ] as const) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `/{id}/${verb}`,
        tags: ['boxes'],
        summary,
        operationId: `${verb}Box`,
        security: bearer,
        middleware: [admin] as const,
        request: { params: boxId },
        responses: { 200: answer('the box', boxSchema), ...problems('not_found') },
      }),
      async (c) => {
        const { id } = await requireBox(deps, c.req.valid('param').id);
        const box = await deps.db.transaction(async (tx) => {
          const row = await updateBox(tx, id, patch(c.get('token').name));
          if (row) await recordEvent(tx, { type: `box.${verb}ed`, boxId: id, payload: { by: c.get('token').name } });
          return row;
        });
        if (!box) throw new AppError('not_found', `box ${id} was removed`);
        deps.fleet.tellFlags(box);
        return c.json(boxView(box), 200);
      },
    );
  }

  app.openapi(
    createRoute({
      method: 'post',
      path: '/{id}/clean',
      tags: ['boxes'],
      summary: 'Kill what ended jobs left behind on a dirty box',
      operationId: 'cleanBox',
      security: bearer,
      middleware: [admin] as const,
      request: { params: boxId },
      responses: {
        202: answer('asked; the box tells with its next heartbeat whether it is clean', boxSchema),
        ...problems('not_found', 'unavailable'),
      },
    }),
    async (c) => {
      const box = await requireBox(deps, c.req.valid('param').id);
      if (!deps.fleet.clean(box.id))
        throw new AppError('unavailable', `box ${box.name} is not connected to this control plane`);
      return c.json(boxView(box), 202);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/{id}',
      tags: ['boxes'],
      summary: 'Remove a box: its credential ends, its jobs are given out again',
      operationId: 'removeBox',
      security: bearer,
      middleware: [admin] as const,
      request: { params: boxId },
      responses: { 200: answer('the box as it was', boxSchema), ...problems('not_found') },
    }),
    async (c) => {
      const box = await requireBox(deps, c.req.valid('param').id);
      await deps.db.transaction(async (tx) => {
        await updateBox(tx, box.id, { removedAt: new Date() });
        await revokeTokensOfBox(tx, box.id);
        await recordEvent(tx, {
          type: 'box.removed',
          boxId: box.id,
          payload: { name: box.name, by: c.get('token').name },
        });
      });
      deps.fleet.drop(box.id, 'the box was removed');
      return c.json(boxView(box), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/{id}/telemetry',
      tags: ['boxes'],
      summary: 'Readings of a box, newest first',
      operationId: 'getTelemetry',
      security: bearer,
      middleware: [read] as const,
      request: {
        params: boxId,
        query: z.object({
          since: z.iso.datetime().optional(),
          limit: z.coerce.number().int().min(1).max(2000).default(100),
        }),
      },
      responses: {
        200: answer('the readings', z.object({ items: z.array(z.record(z.string(), z.unknown())) })),
        ...problems('not_found'),
      },
    }),
    async (c) => {
      const box = await requireBox(deps, c.req.valid('param').id);
      const { since, limit } = c.req.valid('query');
      const rows = await listTelemetry(deps.db, box.id, {
        since: since === undefined ? undefined : new Date(since),
        limit,
      });
      return c.json({ items: rows.map((row) => ({ ...row.sample })) }, 200);
    },
  );
  return app;
}
