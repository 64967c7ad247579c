import { z } from '@hono/zod-openapi';
import {
  configSchema,
  ITERATION_STATES,
  JOB_REASONS,
  JOB_ROLES,
  JOB_STATES,
  knobValueSchema,
  evaluatorWarning,
  MEASUREMENTS,
  measurementOf,
  PROPOSERS,
  RUN_STATES,
  specWarnings,
  type CodeProposal,
} from '@nightshift/protocol';
import type { IterationRow, JobRow, RunRow } from '@nightshift/db';
import { liveFigures, type Live } from '../trajectory/index.js';

const config = configSchema.describe('a value for every knob');
const time = z.iso.datetime().nullable();
const anything = z.record(z.string(), z.unknown());
const measurement = z.enum(MEASUREMENTS).nullable().openapi({
  description: 'code mode: who took the number that decides. unsealed: the edited files evaluate themselves',
});

export const runSchema = z
  .object({
    id: z.string(),
    project: z.string(),
    state: z.enum(RUN_STATES),
    endReason: z.string().nullable(),
    endDetail: z.string().nullable(),
    isStopping: z.boolean(),
    waiting: z.string().nullable().openapi({ description: 'why nothing of it is on a box although a job waits' }),
    warnings: z.array(z.string()).openapi({
      description:
        'what the spec asks for and cannot have: a hybrid without a model, say; and an evaluator that may read edited files, or that was seen to when a box told the source',
    }),
    metric: z.object({ name: z.string(), goal: z.enum(['minimize', 'maximize']) }),
    measurement,
    earlier: anything.nullable().openapi({
      description: 'code mode: the session that the run goes on from, counted; its rows stand in the jsonl export',
    }),
    baselineConfig: config,
    incumbent: z.object({ config, iteration: z.number().int().nullable() }),
    screeningOff: z.string().nullable().openapi({ description: 'why cheap screening turned itself off' }),
    live: anything.nullable().openapi({ description: 'trajectory figures so far' }),
    spec: anything,
    createdAt: z.iso.datetime(),
    startedAt: time,
    endedAt: time,
  })
  .openapi('Run');

export function runView(run: RunRow, waiting: string | null = null): z.infer<typeof runSchema> {
  return {
    id: run.id,
    project: run.spec.name,
    state: run.state,
    endReason: run.endReason,
    endDetail: run.endDetail,
    isStopping: run.stopRequestedAt !== null && run.endedAt === null,
    waiting,
    warnings: [
      ...specWarnings(run.spec),
      ...[evaluatorWarning(run.spec, run.evaluatorReads)].filter((warning) => warning !== null),
    ],
    metric: { name: run.spec.metric.name, goal: run.spec.metric.goal },
    measurement: measurementOf(run.spec),
    earlier: run.earlierFigures === null ? null : { ...run.earlierFigures },
    baselineConfig: run.baselineConfig,
    incumbent: { config: run.incumbentConfig, iteration: run.incumbentIteration },
    screeningOff: run.screeningOff,
    live: run.live === null ? null : { ...liveFigures(run.live as Live) },
    spec: { ...run.spec },
    createdAt: run.createdAt.toISOString(),
    startedAt: run.startedAt?.toISOString() ?? null,
    endedAt: run.endedAt?.toISOString() ?? null,
  };
}

export const iterationSchema = z
  .object({
    id: z.string(),
    number: z.number().int(),
    state: z.enum(ITERATION_STATES),
    proposer: z.enum(PROPOSERS).nullable(),
    proposal: z.object({ knob: z.string(), newValue: knobValueSchema, reason: z.string() }).nullable(),
    config: config.nullable(),
    standsOn: z.number().int().nullable().openapi({
      description: 'the iteration whose configuration was changed, proven or not; null: what it is compared with',
    }),
    repeatOf: z.string().nullable(),
    patch: z
      .union([
        z.object({ summary: z.string(), diff: z.string(), added: z.number().int(), removed: z.number().int() }),
        z.null(),
      ])
      .openapi({ description: 'code mode: the change as a unified diff' }),
    measurement,
    repairs: z.number().int(),
    critique: anything.nullable(),
    metric: z.number().nullable(),
    decision: anything.nullable(),
    screening: anything
      .nullable()
      .openapi({ description: 'what the cheap budget of fidelity.screen said; no measurement' }),
    failure: z.enum(JOB_REASONS).nullable(),
    failureDetail: z.string().nullable(),
    blocked: z.array(anything),
    outweighed: z
      .array(anything)
      .openapi({ description: "a hybrid's model proposed these; too little was expected of them to measure them" }),
    createdAt: z.iso.datetime(),
    endedAt: time,
  })
  .openapi('Iteration');

export function iterationView(row: IterationRow, { spec }: Pick<RunRow, 'spec'>): z.infer<typeof iterationSchema> {
  return {
    id: row.id,
    number: row.number,
    state: row.state,
    proposer: row.proposer,
    proposal: row.proposal,
    config: row.config,
    standsOn: row.standsOn,
    repeatOf: row.repeatOf,
    patch: patchView(row.patch as CodeProposal | null),
    measurement: measurementOf(spec),
    repairs: row.repairs,
    critique: row.critique === null ? null : { ...(row.critique as object) },
    metric: row.metric,
    decision: row.decision === null ? null : { ...row.decision },
    screening: row.screening === null ? null : { ...row.screening },
    failure: row.failure,
    failureDetail: row.failureDetail,
    blocked: row.blocked.map((b) => ({ ...b })),
    outweighed: row.outweighed.map((one) => ({ ...one })),
    createdAt: row.createdAt.toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
  };
}

function patchView(proposal: CodeProposal | null): z.infer<typeof iterationSchema>['patch'] {
  if (proposal === null) return null;
  const { diff, added, removed } = proposal.patch;
  return { summary: proposal.summary, diff, added, removed };
}

export const jobSchema = z
  .object({
    id: z.string(),
    runId: z.string(),
    iterationId: z.string().nullable(),
    role: z.enum(JOB_ROLES),
    replicate: z.number().int(),
    state: z.enum(JOB_STATES),
    config,
    seed: z.number().int(),
    attempt: z.number().int(),
    reason: z.enum(JOB_REASONS).nullable(),
    detail: z.string().nullable(),
    metric: z.number().nullable(),
    createdAt: z.iso.datetime(),
    startedAt: time,
    endedAt: time,
  })
  .openapi('Job');

export function jobView(row: JobRow): z.infer<typeof jobSchema> {
  return {
    id: row.id,
    runId: row.runId,
    iterationId: row.iterationId,
    role: row.role,
    replicate: row.replicate,
    state: row.state,
    config: row.config,
    seed: row.seed,
    attempt: row.attempt,
    reason: row.reason,
    detail: row.detail,
    metric: row.metric,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
  };
}
