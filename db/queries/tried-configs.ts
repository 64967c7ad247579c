import { and, asc, eq, ne } from 'drizzle-orm';
import type { Config, JobReason, Screening } from '@nightshift/protocol';
import type { Queryable } from '../rows.js';
import { iterations, jobs } from '../schema.js';

export interface TriedConfig {
  configKey: string;
  config: Config;
  /** `screened_out`: given up at the cheap budget, and neither measured nor failed. */
  state: 'complete' | 'failed' | 'pending' | 'screened_out';
  metric: number | null;
  reason: JobReason | null;
  /** What its iteration compared it with; null where it belongs to none. */
  comparatorKey: string | null;
  /** What the cheap budget said, of a candidate that was given up there. */
  screening: Screening | null;
  /** Null for what only waits to be measured. */
  jobId: string | null;
}

/** Configurations that were measured, have failed, run, are accepted and wait, or were given up at the cheap budget. */
export async function listTriedConfigs(
  q: Queryable,
  runId: string,
  exceptIterationId?: string,
): Promise<TriedConfig[]> {
  const tried = await q
    .select({
      jobId: jobs.id,
      role: jobs.role,
      configKey: jobs.configKey,
      config: jobs.config,
      state: jobs.state,
      metric: jobs.metric,
      reason: jobs.reason,
      iterationKey: iterations.configKey,
      iterationState: iterations.state,
      comparatorKey: iterations.comparatorKey,
      screening: iterations.screening,
    })
    .from(jobs)
    .leftJoin(iterations, eq(iterations.id, jobs.iterationId))
    .where(and(eq(jobs.runId, runId), ne(jobs.state, 'cancelled')))
    .orderBy(asc(jobs.id));
  const waiting = await q
    .select({
      configKey: iterations.configKey,
      config: iterations.config,
      comparatorKey: iterations.comparatorKey,
    })
    .from(iterations)
    .where(
      and(
        eq(iterations.runId, runId),
        eq(iterations.state, 'accepted'),
        exceptIterationId === undefined ? undefined : ne(iterations.id, exceptIterationId),
      ),
    );
  return [
    ...tried.flatMap((job): TriedConfig[] => {
      const { configKey, config, reason, comparatorKey, jobId } = job;
      const row = { configKey, config, reason, comparatorKey, jobId, metric: null, screening: null };
      const hasFailed = job.state !== 'succeeded' && reason !== null;
      if (job.role !== 'screen') {
        const state = job.state === 'succeeded' ? 'complete' : hasFailed ? 'failed' : 'pending';
        return [{ ...row, state, metric: job.metric }];
      }
      // The cheap training of a comparator tells nothing new, and neither does that of a candidate that went on to a full one.
      const state =
        job.iterationKey !== configKey
          ? null
          : job.iterationState === 'measuring'
            ? 'pending'
            : job.iterationState === 'failed' && hasFailed
              ? 'failed'
              : job.iterationState === 'screened_out'
                ? 'screened_out'
                : null;
      return state === null ? [] : [{ ...row, state, screening: job.screening }];
    }),
    ...waiting.flatMap(({ configKey, config, comparatorKey }): TriedConfig[] =>
      configKey === null || config === null
        ? []
        : [
            {
              configKey,
              config,
              state: 'pending',
              metric: null,
              reason: null,
              comparatorKey,
              screening: null,
              jobId: null,
            },
          ],
    ),
  ];
}
