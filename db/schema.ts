// One file on purpose: drizzle-kit reads the whole schema from here, and the tables explain each other.
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import {
  ITERATION_STATES,
  JOB_REASONS,
  JOB_ROLES,
  JOB_STATES,
  PROPOSERS,
  RUN_STATES,
  type BlockedTry,
  type OutweighedTry,
  type BoxFacts,
  type Config,
  type Decision,
  type EarlierFigures,
  type EarlierSession,
  type ExitRecord,
  type Proposal,
  type Screening,
  type Spec,
  type Telemetry,
} from '@nightshift/protocol';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });
const at = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
const createdAt = () => at('created_at').notNull().defaultNow();

export const runState = pgEnum('run_state', RUN_STATES);
export const iterationState = pgEnum('iteration_state', ITERATION_STATES);
export const jobState = pgEnum('job_state', JOB_STATES);
export const jobRole = pgEnum('job_role', JOB_ROLES);
export const jobReason = pgEnum('job_reason', JOB_REASONS);
export const proposerKind = pgEnum('proposer_kind', PROPOSERS);
export const attemptState = pgEnum('attempt_state', ['assigned', 'running', 'ended', 'fenced']);
export const tokenKind = pgEnum('token_kind', ['api', 'enrolment', 'box']);

export const projects = pgTable('projects', {
  id: text().primaryKey(),
  name: text().notNull().unique(),
  createdAt: createdAt(),
});

export const runs = pgTable(
  'runs',
  {
    id: text().primaryKey(),
    projectId: text('project_id')
      .notNull()
      .references(() => projects.id),
    state: runState().notNull().default('queued'),
    /** The state that `resume` goes back to. */
    pausedFrom: runState('paused_from'),
    spec: jsonb().$type<Spec>().notNull(),
    baselineConfig: jsonb('baseline_config').$type<Config>().notNull(),
    baselineKey: text('baseline_key').notNull(),
    incumbentConfig: jsonb('incumbent_config').$type<Config>().notNull(),
    incumbentKey: text('incumbent_key').notNull(),
    /** The iteration that made the incumbent; null while it is the baseline. */
    incumbentIteration: integer('incumbent_iteration'),
    /** Why the search ended, once it has, and the jobs that confirm what it chose: the run ends when they have. */
    searchEnd: jsonb('search_end').$type<{ reason: string; detail: string; jobIds: string[] }>(),
    /** The strategy notes that a person wrote; shown to the proposer. */
    notes: text(),
    /** Incremental trajectory figures, updated with every decision. */
    live: jsonb().$type<unknown>(),
    /** What the health playbook did and how it was scored, and what it asks of the next proposals. */
    playbook: jsonb().$type<unknown>(),
    /** How far up the ladder of models the run is; 0 is the spec's own model. */
    ladderStep: integer('ladder_step').notNull().default(0),
    /** Code mode: the editable files of the baseline and of the incumbent (code_states). */
    baselineCodeKey: text('baseline_code_key'),
    incumbentCodeKey: text('incumbent_code_key'),
    /** Code mode: the commit of the source that everything starts from. */
    baseCommit: text('base_commit'),
    /** Code mode: edited files that the evaluator was seen to read; null while nobody has looked. */
    evaluatorReads: jsonb('evaluator_reads').$type<string[]>(),
    /** Code mode: where the project stands below the top of the base commit's repository, as git says it (`sub/dir/`). */
    basePrefix: text('base_prefix').notNull().default(''),
    /** Code mode: the session made with other tools that this run continues, counted; its rows stand in `earlier_sessions`. */
    earlierFigures: jsonb('earlier_figures').$type<EarlierFigures>(),
    /** Why screening turned itself off in this run; null while it has not. */
    screeningOff: text('screening_off'),
    /** Circuit breaker of the model server, so that every replica and every restart sees it. */
    breaker: jsonb().$type<unknown>(),
    stopRequestedAt: at('stop_requested_at'),
    endReason: text('end_reason'),
    endDetail: text('end_detail'),
    createdAt: createdAt(),
    startedAt: at('started_at'),
    pausedAt: at('paused_at'),
    endedAt: at('ended_at'),
  },
  (t) => [
    index('runs_by_project').on(t.projectId, t.createdAt),
    index('runs_active')
      .on(t.state)
      .where(sql`${t.endedAt} is null`),
    check('runs_ended', sql`(${t.state} in ('completed', 'stopped', 'failed')) = (${t.endedAt} is not null)`),
    check('runs_end_reason', sql`(${t.endedAt} is not null) = (${t.endReason} is not null)`),
    check('runs_paused', sql`(${t.state} = 'paused') = (${t.pausedAt} is not null)`),
    check('runs_paused_from', sql`(${t.state} = 'paused') = (${t.pausedFrom} is not null)`),
    check('runs_started', sql`${t.state} not in ('baseline', 'running', 'completed') or ${t.startedAt} is not null`),
  ],
);

/** Code mode: the rows of a session made with other tools that a run continues, up to 3 MB: told, and never counted as measured here. */
export const earlierSessions = pgTable('earlier_sessions', {
  runId: text('run_id')
    .primaryKey()
    .references(() => runs.id),
  session: jsonb().$type<EarlierSession>().notNull(),
});

export const iterations = pgTable(
  'iterations',
  {
    id: text().primaryKey(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    number: integer().notNull(),
    state: iterationState().notNull().default('proposing'),
    proposer: proposerKind(),
    proposal: jsonb().$type<Proposal>(),
    /** The complete configuration that runs, and its canonical text. */
    config: jsonb().$type<Config>(),
    configKey: text('config_key'),
    /** What the candidate is compared with: the incumbent, or the baseline. */
    comparatorKey: text('comparator_key'),
    /** Number of the iteration whose configuration the proposal changes (the front); null: the comparator's. */
    standsOn: integer('stands_on'),
    /** Set when the repeat rail booked this as a further measurement of a known configuration. */
    repeatOf: text('repeat_of'),
    blocked: jsonb().$type<BlockedTry[]>().notNull().default([]),
    /** What the model proposed in a hybrid, and the sampler's model of the measurements saw too little in. */
    outweighed: jsonb().$type<OutweighedTry[]>().notNull().default([]),
    /** What the sampler believed when this was proposed. */
    belief: jsonb().$type<unknown>(),
    /** Code mode: the canonical patch, the editable files after it, and the commit that a keep makes. */
    patch: jsonb().$type<unknown>(),
    codeKey: text('code_key'),
    commitId: text('commit_id'),
    /** How often a slip was repaired in this iteration. */
    repairs: integer().notNull().default(0),
    /** What the critic said of the accepted proposal. */
    critique: jsonb().$type<unknown>(),
    decision: jsonb().$type<Decision>(),
    /** What the cheap budget said of it (`fidelity.screen`); null when it was not screened, or not yet. */
    screening: jsonb().$type<Screening>(),
    metric: doublePrecision(),
    failure: jobReason(),
    failureDetail: text('failure_detail'),
    /** The lease of whoever makes the proposal; a token that no longer stands here cannot store an answer. */
    leaseToken: text('lease_token'),
    leaseUntil: at('lease_until'),
    createdAt: createdAt(),
    acceptedAt: at('accepted_at'),
    measuringAt: at('measuring_at'),
    endedAt: at('ended_at'),
  },
  (t) => [
    unique('iterations_number').on(t.runId, t.number),
    check(
      'iterations_ended',
      // As text: a value that is new to the enum cannot be named in the migration that adds it.
      sql`(${t.state}::text in ('blocked', 'kept', 'reverted', 'inconclusive', 'failed', 'cancelled', 'screened_out')) = (${t.endedAt} is not null)`,
    ),
    check(
      'iterations_decided',
      sql`(${t.state} in ('kept', 'reverted', 'inconclusive')) = (${t.decision} is not null)`,
    ),
    check(
      'iterations_screened_out',
      sql`${t.state}::text <> 'screened_out' or (${t.screening} is not null and ${t.measuringAt} is not null)`,
    ),
    check('iterations_failed', sql`(${t.state} = 'failed') = (${t.failure} is not null)`),
    check(
      'iterations_proposed',
      sql`${t.state} in ('proposing', 'blocked', 'cancelled') or (${t.proposal} is not null and ${t.config} is not null and ${t.configKey} is not null and ${t.comparatorKey} is not null and ${t.proposer} is not null and ${t.acceptedAt} is not null)`,
    ),
    check(
      'iterations_measuring',
      sql`${t.state} not in ('measuring', 'kept', 'failed') or ${t.measuringAt} is not null`,
    ),
    check('iterations_lease', sql`(${t.leaseToken} is null) = (${t.leaseUntil} is null)`),
    check('iterations_leased', sql`${t.state} = 'proposing' or ${t.leaseToken} is null`),
  ],
);

export const jobs = pgTable(
  'jobs',
  {
    id: text().primaryKey(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    iterationId: text('iteration_id').references(() => iterations.id),
    role: jobRole().notNull(),
    /** 1 for the first measurement of this role in its iteration (or of the baseline), 2 for the next … */
    replicate: integer().notNull(),
    state: jobState().notNull().default('queued'),
    config: jsonb().$type<Config>().notNull(),
    configKey: text('config_key').notNull(),
    seed: integer().notNull(),
    /** Code mode: the editable files that it runs with. */
    codeKey: text('code_key'),
    /** A replicate is only comparable on the box that measured what it repeats. */
    pinnedBoxId: text('pinned_box_id').references(() => boxes.id),
    /** What makes measurements comparable: equal for two jobs exactly when their numbers may be compared. */
    fingerprint: text(),
    /** The number of the current attempt; 0 before the first. */
    attempt: integer().notNull().default(0),
    reason: jobReason(),
    detail: text(),
    metric: doublePrecision(),
    cancelRequestedAt: at('cancel_requested_at'),
    /** Not offered to a box before this instant: the pause after a failure of the infrastructure. */
    notBefore: at('not_before'),
    createdAt: createdAt(),
    assignedAt: at('assigned_at'),
    startedAt: at('started_at'),
    endedAt: at('ended_at'),
  },
  (t) => [
    unique('jobs_replicate').on(t.runId, t.iterationId, t.role, t.replicate).nullsNotDistinct(),
    index('jobs_queued')
      .on(t.createdAt)
      .where(sql`${t.state} = 'queued'`),
    index('jobs_by_iteration').on(t.iterationId),
    check(
      'jobs_ended',
      sql`(${t.state} in ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost')) = (${t.endedAt} is not null)`,
    ),
    check('jobs_reason', sql`(${t.endedAt} is not null) = (${t.reason} is not null)`),
    check('jobs_metric', sql`(${t.state} = 'succeeded') = (${t.metric} is not null)`),
    check(
      'jobs_assigned',
      sql`${t.state} not in ('assigned', 'running') or (${t.assignedAt} is not null and ${t.attempt} > 0)`,
    ),
    check('jobs_started', sql`${t.state} not in ('running', 'succeeded') or ${t.startedAt} is not null`),
  ],
);

export const boxes = pgTable(
  'boxes',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    state: text({ enum: ['online', 'unreachable'] })
      .notNull()
      .default('unreachable'),
    labels: text().array().notNull().default([]),
    facts: jsonb().$type<BoxFacts>(),
    isCordoned: boolean('is_cordoned').notNull().default(false),
    /** Why, for people: who cordoned it, or which failures did. */
    cordonReason: text('cordon_reason'),
    isDraining: boolean('is_draining').notNull().default(false),
    /** Processes of ended jobs that could not be killed: a box with any gets no work. */
    dirtyPids: integer('dirty_pids').array().notNull().default([]),
    freeSlots: integer('free_slots').notNull().default(0),
    /** Consecutive failures of the infrastructure, for the circuit breaker. */
    infraFailures: integer('infra_failures').notNull().default(0),
    lastSeenAt: at('last_seen_at'),
    createdAt: createdAt(),
    removedAt: at('removed_at'),
  },
  (t) => [
    uniqueIndex('boxes_name')
      .on(t.name)
      .where(sql`${t.removedAt} is null`),
    check('boxes_state', sql`${t.state} in ('online', 'unreachable')`),
    check('boxes_seen', sql`${t.state} <> 'online' or ${t.lastSeenAt} is not null`),
  ],
);

export const attempts = pgTable(
  'attempts',
  {
    id: text().primaryKey(),
    jobId: text('job_id')
      .notNull()
      .references(() => jobs.id),
    number: integer().notNull(),
    boxId: text('box_id')
      .notNull()
      .references(() => boxes.id),
    /** The fencing token: every frame about this attempt carries it. */
    token: text().notNull(),
    state: attemptState().notNull().default('assigned'),
    phase: text({ enum: ['setup', 'train', 'evaluate'] }),
    logBytes: bigint('log_bytes', { mode: 'number' }).notNull().default(0),
    metricCount: integer('metric_count').notNull().default(0),
    exit: jsonb().$type<ExitRecord>(),
    offeredAt: at('offered_at').notNull().defaultNow(),
    acceptedAt: at('accepted_at'),
    startedAt: at('started_at'),
    endedAt: at('ended_at'),
    releasedAt: at('released_at'),
  },
  (t) => [
    unique('attempts_number').on(t.jobId, t.number),
    uniqueIndex('attempts_one_live')
      .on(t.jobId)
      .where(sql`${t.state} in ('assigned', 'running')`),
    index('attempts_live_by_box')
      .on(t.boxId)
      .where(sql`${t.state} in ('assigned', 'running')`),
    check('attempts_ended', sql`(${t.state} in ('ended', 'fenced')) = (${t.endedAt} is not null)`),
    check('attempts_exit', sql`${t.state} <> 'ended' or ${t.exit} is not null`),
    check('attempts_running', sql`${t.state} <> 'running' or ${t.startedAt} is not null`),
  ],
);

/** What the owner of a box does not allow of a run: its jobs of one kind (with edited code, or as the source is) go there no more. */
export const refusals = pgTable(
  'refusals',
  {
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    boxId: text('box_id')
      .notNull()
      .references(() => boxes.id),
    isEdited: boolean('is_edited').notNull(),
    why: text().notNull(),
    createdAt: at('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.runId, t.boxId, t.isEdited] })],
);

export const logChunks = pgTable(
  'log_chunks',
  {
    attemptId: text('attempt_id').notNull(),
    offset: bigint({ mode: 'number' }).notNull(),
    data: bytea().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.attemptId, t.offset] }),
    foreignKey({ columns: [t.attemptId], foreignColumns: [attempts.id], name: 'log_chunks_attempt' }),
    check('log_chunks_size', sql`octet_length(${t.data}) between 1 and 1048576`),
  ],
);

export const metricPoints = pgTable(
  'metric_points',
  {
    attemptId: text('attempt_id').notNull(),
    seq: integer().notNull(),
    name: text().notNull(),
    value: doublePrecision().notNull(),
    step: bigint({ mode: 'number' }),
    at: at('at'),
  },
  (t) => [
    primaryKey({ columns: [t.attemptId, t.seq] }),
    foreignKey({ columns: [t.attemptId], foreignColumns: [attempts.id], name: 'metric_points_attempt' }),
  ],
);

export const telemetry = pgTable(
  'telemetry',
  {
    boxId: text('box_id')
      .notNull()
      .references(() => boxes.id),
    at: at('at').notNull(),
    attemptId: text('attempt_id'),
    sample: jsonb().$type<Telemetry>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.boxId, t.at] })],
);

export const modelCalls = pgTable(
  'model_calls',
  {
    id: text().primaryKey(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    /** Null for a reflection, which belongs to no iteration. */
    iterationId: text('iteration_id').references(() => iterations.id),
    purpose: text({ enum: ['propose', 'critic', 'reflect', 'repair'] })
      .notNull()
      .default('propose'),
    model: text().notNull(),
    mode: text(),
    /** The exact messages that were sent. */
    messages: jsonb().$type<{ role: string; content: string }[]>().notNull(),
    /** The exact answer; null when none came. */
    answer: text(),
    reasoning: text(),
    error: text(),
    detail: text(),
    /** What became of the answer: accepted, blocked by a rail, unparseable. */
    outcome: text().notNull(),
    latencyMs: doublePrecision('latency_ms').notNull(),
    firstTokenMs: doublePrecision('first_token_ms'),
    promptTokens: integer('prompt_tokens'),
    completionTokens: integer('completion_tokens'),
    /** At the prices of the model that was called; null when they, or its counts, are not known. */
    costUsd: doublePrecision('cost_usd'),
    createdAt: createdAt(),
  },
  (t) => [index('model_calls_by_run').on(t.runId, t.createdAt), index('model_calls_by_iteration').on(t.iterationId)],
);

/** Strategy notes, versioned: a person's, or a revision that the model proposed after a plateau. */
export const notes = pgTable(
  'notes',
  {
    id: text().primaryKey(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id),
    version: integer().notNull(),
    body: text().notNull(),
    author: text({ enum: ['person', 'model'] }).notNull(),
    state: text({ enum: ['proposed', 'adopted', 'rejected'] }).notNull(),
    reason: text(),
    createdAt: createdAt(),
    decidedAt: at('decided_at'),
  },
  (t) => [
    unique('notes_number').on(t.runId, t.version),
    check('notes_state', sql`${t.state} in ('proposed', 'adopted', 'rejected')`),
    check('notes_decided', sql`(${t.state} = 'proposed') = (${t.decidedAt} is null)`),
  ],
);

/** Code mode: the contents of the editable files, by the SHA-256 of their canonical text. */
export const codeStates = pgTable('code_states', {
  key: text().primaryKey(),
  files: jsonb().$type<{ path: string; content: string }[]>().notNull(),
  createdAt: createdAt(),
});

/** An uploaded working tree, content-addressed by the SHA-256 of its archive. */
export const archives = pgTable(
  'archives',
  {
    id: text().primaryKey(),
    size: bigint({ mode: 'number' }).notNull(),
    received: bigint({ mode: 'number' }).notNull().default(0),
    createdAt: createdAt(),
    completedAt: at('completed_at'),
  },
  (t) => [check('archives_complete', sql`(${t.completedAt} is not null) = (${t.received} = ${t.size})`)],
);
export const archiveChunks = pgTable(
  'archive_chunks',
  {
    archiveId: text('archive_id')
      .notNull()
      .references(() => archives.id),
    offset: bigint({ mode: 'number' }).notNull(),
    data: bytea().notNull(),
  },
  (t) => [primaryKey({ columns: [t.archiveId, t.offset] })],
);

export const events = pgTable(
  'events',
  {
    id: bigint({ mode: 'number' }).generatedAlwaysAsIdentity().primaryKey(),
    /** The writing transaction: readers wait for older open transactions, so that a cursor never skips a late commit. */
    txid: xid8()
      .notNull()
      .default(sql`pg_current_xact_id()`),
    type: text().notNull(),
    runId: text('run_id'),
    boxId: text('box_id'),
    payload: jsonb().$type<Record<string, unknown>>().notNull(),
    createdAt: createdAt(),
  },
  (t) => [index('events_cursor').on(t.txid, t.id), index('events_by_run').on(t.runId, t.txid, t.id)],
);

export const tokens = pgTable(
  'tokens',
  {
    id: text().primaryKey(),
    kind: tokenKind().notNull(),
    /** SHA-256 of the secret; the secret itself is shown once and never stored. */
    hash: text().notNull().unique(),
    name: text().notNull(),
    scopes: text().array().notNull().default([]),
    boxId: text('box_id').references(() => boxes.id),
    createdAt: createdAt(),
    expiresAt: at('expires_at'),
    usedAt: at('used_at'),
    revokedAt: at('revoked_at'),
  },
  (t) => [check('tokens_box', sql`${t.kind} <> 'box' or ${t.boxId} is not null`)],
);

export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    tokenId: text('token_id').notNull(),
    key: text().notNull(),
    /** Method, path and SHA-256 of the body: the same key with another request is a conflict. */
    request: text().notNull(),
    status: integer(),
    body: jsonb().$type<unknown>(),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.tokenId, t.key] })],
);

export const webhooks = pgTable('webhooks', {
  id: text().primaryKey(),
  url: text().notNull(),
  /** HMAC-SHA-256 key for the signature header; shown once. */
  secret: text().notNull(),
  types: text().array().notNull().default([]),
  /** The last event that was delivered, as "txid-id". */
  cursor: text().notNull(),
  failures: integer().notNull().default(0),
  notBefore: at('not_before'),
  createdAt: createdAt(),
  disabledAt: at('disabled_at'),
});
