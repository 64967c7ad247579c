import { and, desc, eq, gt, sql } from 'drizzle-orm';
import type { Telemetry } from '@nightshift/protocol';
import type { Queryable, TelemetryRow } from '../rows.js';
import { telemetry } from '../schema.js';

/** Stores readings of a box; a reading of the same instant is stored once. */
export async function insertTelemetry(q: Queryable, boxId: string, samples: Telemetry[]): Promise<void> {
  if (samples.length === 0) return;
  await q
    .insert(telemetry)
    .values(samples.map((sample) => ({ boxId, at: new Date(sample.at), attemptId: sample.attemptId, sample })))
    .onConflictDoNothing();
}

/** Readings of a box, newest first. */
export function listTelemetry(
  q: Queryable,
  boxId: string,
  page: { since?: Date | undefined; limit: number },
): Promise<TelemetryRow[]> {
  return q
    .select()
    .from(telemetry)
    .where(and(eq(telemetry.boxId, boxId), page.since === undefined ? undefined : gt(telemetry.at, page.since)))
    .orderBy(desc(telemetry.at))
    .limit(page.limit);
}

/** Readings are for looking at boxes, not for results: old ones go. Gives how many went. */
export async function deleteOldTelemetry(q: Queryable, keepDays: number): Promise<number> {
  const rows = await q.execute(sql`delete from telemetry where at < now() - make_interval(days => ${keepDays})`);
  return rows.count;
}
