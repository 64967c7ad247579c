import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { JobRow, Queryable } from '../rows.js';
import { boxes, jobs, refusals } from '../schema.js';

export interface Refusal {
  runId: string;
  boxId: string;
  /** Of jobs with edited code; else of those with the source as it is. */
  isEdited: boolean;
  why: string;
}

/** A box does not take jobs of this kind of this run. The first reason stays. */
export async function insertRefusal(q: Queryable, job: JobRow, boxId: string, why: string): Promise<void> {
  await q
    .insert(refusals)
    .values({ runId: job.runId, boxId, isEdited: isEdited(job), why })
    .onConflictDoNothing();
}

/** What boxes that are still there refuse of these runs. */
export function listRefusals(q: Queryable, runIds: string[]): Promise<Refusal[]> {
  if (runIds.length === 0) return Promise.resolve([]);
  const { runId, boxId, isEdited: edited, why } = refusals;
  return q
    .select({ runId, boxId, isEdited: edited, why })
    .from(refusals)
    .where(inArray(runId, runIds))
    .orderBy(asc(refusals.createdAt), asc(boxId));
}

/** Whether a refusal is one of jobs like this. */
export function isRefusalOf(refusal: Refusal, job: Pick<JobRow, 'runId' | 'codeKey'>): boolean {
  return refusal.runId === job.runId && refusal.isEdited === isEdited(job);
}

/** The boxes that refuse a job of the row at hand, as JSON. */
export const refusedBy = sql<string[]>`(
  select coalesce(jsonb_agg(${refusals.boxId}), '[]'::jsonb) from ${refusals}
  where ${refusals.runId} = ${jobs.runId} and ${refusals.isEdited} = (${jobs.codeKey} is not null))`;

/** Whether the box that a job is pinned to refuses it. */
export const isPinRefused = sql<boolean>`exists (
  select 1 from ${refusals}
  where ${and(eq(refusals.runId, jobs.runId), eq(refusals.boxId, boxes.id))}
    and ${refusals.isEdited} = (${jobs.codeKey} is not null))`;

function isEdited(job: Pick<JobRow, 'codeKey'>): boolean {
  return job.codeKey !== null;
}
