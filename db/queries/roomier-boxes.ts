import { and, eq, isNull, ne, sql } from 'drizzle-orm';
import type { AttemptRow, Queryable } from '../rows.js';
import { attempts, boxes } from '../schema.js';
import { PASSING } from './dispatch.js';

/**
 * Boxes that take work and have at least twice the free disk now that the box of this attempt had when it was offered; none where
 * an earlier attempt of the job filled a disk already, where a box has not told, or where the job failed in a way that will be there again:
 * such a box is avoided.
 */
export function listRoomierBoxes(q: Queryable, attempt: AttemptRow) {
  const free = (box: unknown, when: unknown) => sql`(
    select (t.sample ->> 'diskFreeBytes')::numeric from telemetry t
    where t.box_id = ${box} and ${when} order by t.at desc limit 1)`;
  const had = free(attempt.boxId, sql`t.at <= ${attempt.offeredAt.toISOString()}::timestamptz`);
  return q
    .select({ id: boxes.id, name: boxes.name, labels: boxes.labels, facts: boxes.facts })
    .from(boxes)
    .where(
      and(
        ne(boxes.id, attempt.boxId),
        isNull(boxes.removedAt),
        eq(boxes.state, 'online'),
        eq(boxes.isCordoned, false),
        eq(boxes.isDraining, false),
        sql`cardinality(${boxes.dirtyPids}) = 0`,
        sql`${free(boxes.id, sql`t.at > now() - interval '5 minutes'`)} >= 2 * ${had}`,
        sql`not exists (
          select 1 from ${attempts} where ${attempts.jobId} = ${attempt.jobId} and ${attempts.id} <> ${attempt.id}
            and ${attempts.exit} ->> 'reason' = 'disk_filled')`,
        sql`not exists (
          select 1 from ${attempts} where ${attempts.jobId} = ${attempt.jobId} and ${attempts.boxId} = ${boxes.id}
            and ${attempts.exit} ->> 'reason' <> all(${`{${PASSING.join(',')}}`}::text[]))`,
      ),
    );
}
