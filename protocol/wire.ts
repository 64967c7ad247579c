import { z } from 'zod';
import { HEARTBEAT_MS, METRIC_FRAME_POINTS } from './constants.js';
import { configSchema } from './knob-value.js';
import { JOB_PHASES, JOB_REASONS, JOB_ROLES } from './states.js';

const id = z.string().min(1).max(64);
const token = z.string().min(1).max(128);
// No calendar but JavaScript's has a year 0, and no database takes it.
const at = z.iso.datetime().refine((text) => !text.startsWith('0000'), 'the year 0 is none');
/** Whether a time can go over the wire: an ISO date and time in UTC that is in the calendar. */
export function isWireTime(text: string): boolean {
  return at.safeParse(text).success;
}
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const text = z.string().max(4000);
/** JSON has no NaN or Infinity: on the wire they are these words. */
const wireNumber = z.union([z.number(), z.literal(['NaN', 'Infinity', '-Infinity'])]);

/** NaN and the infinities as JSON can carry them, and back. */
export function toWireNumber(value: number): number | 'NaN' | 'Infinity' | '-Infinity' {
  return Number.isFinite(value) ? value : (String(value) as 'NaN' | 'Infinity' | '-Infinity');
}
export function fromWireNumber(value: number | string): number {
  return typeof value === 'number' ? value : Number(value);
}

/** How one phase of a job ended. Exit code and signal are separate: one is null exactly when the other is not. */
export const phaseResultSchema = z.object({
  phase: z.enum(JOB_PHASES),
  exitCode: z.number().int().nullable(),
  signal: z.string().max(20).nullable(),
  startedAt: at,
  endedAt: at,
  durationMs: z.number().min(0),
  /** The signals that the runner sent, in order: empty when the phase ended by itself. */
  stoppedBy: z.array(z.enum(['INT', 'TERM', 'KILL'])),
  /** Which clock ran out, if one did. */
  clock: z.enum(['budget', 'limit']).nullable(),
});
export type PhaseResult = z.infer<typeof phaseResultSchema>;

/** `exit.json`: the runner's account of a job, written once by atomic rename when nothing of the job runs any more. */
export const exitRecordSchema = z.object({
  reason: z.enum(JOB_REASONS),
  detail: text,
  exitCode: z.number().int().nullable(),
  signal: z.string().max(20).nullable(),
  metric: wireNumber.nullable(),
  /** Last values, by name, that the measuring phase reported: the evaluator where there is one. Left out when nothing was measured. */
  reported: z.record(z.string().max(100), wireNumber).optional(),
  phases: z.array(phaseResultSchema).max(10),
  startedAt: at,
  endedAt: at,
  logBytes: count,
  /** Bytes that the job printed beyond the log limit and that were not kept. */
  logBytesDropped: count,
  metricCount: count,
  /** Pids that were still running after KILL: the box is dirty. Empty is the proof that nothing is left. */
  leftPids: z.array(z.number().int()).max(1000),
  /** Processes that the job left behind and the runner ended. */
  killedDescendants: count,
  energyWh: z.number().min(0).nullable(),
  peakMemoryBytes: count.nullable(),
  fingerprint: z.record(z.string().max(100), z.string().max(500)),
});
export type ExitRecord = z.infer<typeof exitRecordSchema>;

/** Everything a runner needs; `spec.json` in the job's directory. */
export const jobSpecSchema = z.object({
  attemptId: id,
  token,
  jobId: id,
  runId: id,
  project: z.string(),
  role: z.enum(JOB_ROLES),
  source: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('path'), path: z.string() }),
    z.object({ kind: z.literal('git'), url: z.string(), ref: z.string().nullable() }),
    /** Fetched with the box's credential from /v1/archives/{id}/content, and cached by its id. */
    z.object({
      kind: z.literal('archive'),
      id: z.string().length(64),
      size: count,
      commit: z.string().max(64).nullable(),
      prefix: z.string().max(1000).optional(),
    }),
  ]),
  setup: z.string().nullable(),
  train: z.string(),
  evaluate: z.string().nullable(),
  budgetMs: z.number().positive(),
  limitMs: z.number().positive(),
  graceMs: z.number().min(0),
  env: z.record(z.string(), z.string()),
  config: configSchema,
  metric: z.object({
    name: z.string(),
    goal: z.enum(['minimize', 'maximize']),
    bounds: z.tuple([z.number(), z.number()]).nullable(),
  }),
  seed: z.number().int().min(0),
  /** Code mode: what may be edited, what is restored before the evaluator runs, and what training leaves for it (null: everything). */
  edit: z
    .object({
      files: z.array(z.string()),
      sealed: z.array(z.string()),
      artifacts: z.array(z.string()).nullable(),
    })
    .nullish(),
  /** Code mode: the digest of the sealed files that the run is measured with, once a box has told it. Others are no ruler of it. */
  sealedDigest: z.string().length(64).nullish(),
  /** Code mode: contents of editable files, written over the source. Null runs the source as it is. */
  overlay: z.array(z.object({ path: z.string(), content: z.string() })).nullish(),
  /** Code mode: a short run that must not crash before the full budget is spent. */
  probeMs: z.number().positive().nullish(),
});
export type JobSpec = z.infer<typeof jobSpecSchema>;

export const gpuFactSchema = z.object({
  index: z.number().int(),
  name: z.string(),
  memoryBytes: count.nullable(),
  isUnified: z.boolean(),
  driver: z.string().nullable(),
});
/** What an agent found wrong with its box: a box with a problem gets no new work until it says that the problem is gone. */
export const boxHealthSchema = z.object({
  ok: z.boolean(),
  problems: z.array(z.object({ code: z.string().max(60), detail: z.string().max(500) })).max(20),
});
export type BoxHealth = z.infer<typeof boxHealthSchema>;

export const boxFactsSchema = z.object({
  hostname: z.string().max(255),
  os: z.string().max(100),
  arch: z.string().max(20),
  cpus: z.number().int().min(1),
  memoryBytes: count,
  gpus: z.array(gpuFactSchema).max(64),
  node: z.string().max(40),
  agentVersion: z.string().max(40),
  /** Roles of jobs that the agent knows. Left out by agents from before `screen`, which refuse the frame of a job of a later role. */
  roles: z.array(z.string().max(40)).max(40).optional(),
  /** Left out by agents that do not look. */
  health: boxHealthSchema.optional(),
});
export type BoxFacts = z.infer<typeof boxFactsSchema>;

/** One reading of a box. A figure that the hardware does not give is null, never 0. */
export const telemetrySchema = z.object({
  at,
  load1: z.number().nullable(),
  memoryUsedBytes: count.nullable(),
  memoryAvailableBytes: count.nullable(),
  diskFreeBytes: count.nullable(),
  gpus: z
    .array(
      z.object({
        index: z.number().int(),
        utilization: z.number().nullable(),
        memoryUsedBytes: count.nullable(),
        powerWatts: z.number().nullable(),
        temperatureC: z.number().nullable(),
        smClockMhz: z.number().nullable(),
      }),
    )
    .max(64),
  attemptId: id.nullable(),
});
export type Telemetry = z.infer<typeof telemetrySchema>;

const metricPointSchema = z.object({
  name: z.string().max(100),
  value: wireNumber,
  step: count.optional(),
  at: at.optional(),
});

const attempt = { attemptId: id, token };

/** Frames that an agent sends. Every frame about an attempt carries its fencing token. */
export const agentFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.number().int(),
    facts: boxFactsSchema,
    /** Every job directory on the box: what runs, what has ended and is not yet released. */
    attempts: z
      .array(
        z.object({ ...attempt, state: z.enum(['preparing', 'running', 'ended']), logBytes: count, metricCount: count }),
      )
      .max(1000),
    dirty: z.array(z.number().int()).max(1000),
    freeSlots: z.number().int().min(0).max(1000),
  }),
  z.object({
    type: z.literal('heartbeat'),
    at,
    freeSlots: z.number().int().min(0).max(1000),
    dirty: z.array(z.number().int()).max(1000),
    telemetry: z.array(telemetrySchema).max(50),
    /** The box's facts, when they are no longer what this connection was last told. */
    facts: boxFactsSchema.optional(),
  }),
  z.object({ type: z.literal('accepted'), ...attempt }),
  z.object({
    type: z.literal('refused'),
    ...attempt,
    reason: z.enum(['agent_refused', 'source_unavailable', 'disk_full', 'internal_error', 'busy']),
    detail: text,
  }),
  /** Code mode: the editable files as the source has them, once for each attempt of a baseline, before its first phase. */
  z.object({
    type: z.literal('source'),
    ...attempt,
    baseCommit: z.string().max(64).nullable(),
    /** Where the project stands below the top of that commit's repository: `` or `sub/dir/`. */
    basePrefix: z.string().max(1000).optional(),
    files: z.array(z.object({ path: z.string().max(300), content: z.string() })).max(50),
    sealed: z.array(z.object({ path: z.string().max(300), sha256: z.string().length(64) })).max(200),
    /** Other code of the source, as far as there is room: shows whether the evaluator reads what may be edited. */
    code: z
      .array(z.object({ path: z.string().max(300), content: z.string() }))
      .max(200)
      .optional(),
    /** Over all sealed files, those included that are not named here. */
    sealedDigest: z.string().length(64).optional(),
  }),
  z.object({ type: z.literal('phase'), ...attempt, phase: z.enum(JOB_PHASES), at }),
  z.object({ type: z.literal('log'), ...attempt, offset: count, data: z.base64().max(40_000) }),
  z.object({
    type: z.literal('metrics'),
    ...attempt,
    seq: count,
    points: z.array(metricPointSchema).min(1).max(METRIC_FRAME_POINTS),
  }),
  z.object({ type: z.literal('exit'), ...attempt, exit: exitRecordSchema }),
  z.object({ type: z.literal('terminal'), ...attempt, data: z.base64().max(40_000) }),
]);
export type AgentFrame = z.infer<typeof agentFrameSchema>;

/** What a reconnecting agent is told to do with a job that it reported in `hello`. */
export const DISPOSITIONS = ['continue', 'stop', 'release'] as const;

/** Frames that the control plane sends. */
export const controlFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    boxId: id,
    serverTime: at,
    heartbeatMs: z.number().int().default(HEARTBEAT_MS),
    attempts: z.array(z.object({ ...attempt, disposition: z.enum(DISPOSITIONS), logOffset: count, metricSeq: count })),
  }),
  z.object({ type: z.literal('assign'), job: jobSpecSchema }),
  /** Durable up to here: what lies before may be forgotten by the box once the attempt is released. */
  z.object({ type: z.literal('ack'), attemptId: id, logOffset: count.optional(), metricSeq: count.optional() }),
  z.object({ type: z.literal('cancel'), ...attempt, detail: text }),
  /** The attempt's end is durable (or the attempt is stale): the job directory may be deleted. */
  z.object({ type: z.literal('release'), ...attempt }),
  /** The token no longer holds: stop the job if it runs; its late result is kept as evidence, never counted. */
  z.object({ type: z.literal('stale'), ...attempt }),
  z.object({ type: z.literal('flags'), isCordoned: z.boolean(), isDraining: z.boolean() }),
  z.object({ type: z.literal('clean') }),
  z.object({
    type: z.literal('terminal'),
    ...attempt,
    action: z.enum(['open', 'input', 'resize', 'close']),
    data: z.base64().max(8000).optional(),
    cols: z.number().int().min(1).max(1000).optional(),
    rows: z.number().int().min(1).max(1000).optional(),
  }),
  z.object({ type: z.literal('error'), code: z.string().max(60), message: text }),
]);
export type ControlFrame = z.infer<typeof controlFrameSchema>;
export type FrameOf<T extends AgentFrame['type']> = Extract<AgentFrame, { type: T }>;
export type ControlFrameOf<T extends ControlFrame['type']> = Extract<ControlFrame, { type: T }>;
