CREATE TYPE "public"."attempt_state" AS ENUM('assigned', 'running', 'ended', 'fenced');--> statement-breakpoint
CREATE TYPE "public"."iteration_state" AS ENUM('proposing', 'blocked', 'accepted', 'measuring', 'kept', 'reverted', 'inconclusive', 'failed', 'cancelled');--> statement-breakpoint
CREATE TYPE "public"."job_reason" AS ENUM('completed', 'cancelled', 'command_not_found', 'crash', 'killed', 'oom', 'oom_guard', 'timeout', 'no_metric', 'diverged', 'metric_out_of_bounds', 'stopped_early', 'cheated', 'box_lost', 'setup_failed', 'source_unavailable', 'disk_full', 'agent_refused', 'evaluator_failed', 'sealed_files_changed', 'internal_error');--> statement-breakpoint
CREATE TYPE "public"."job_role" AS ENUM('baseline', 'candidate', 'replicate', 'audit');--> statement-breakpoint
CREATE TYPE "public"."job_state" AS ENUM('queued', 'assigned', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost');--> statement-breakpoint
CREATE TYPE "public"."proposer_kind" AS ENUM('sampler', 'random', 'model', 'external', 'playbook');--> statement-breakpoint
CREATE TYPE "public"."run_state" AS ENUM('queued', 'baseline', 'running', 'paused', 'completed', 'stopped', 'failed');--> statement-breakpoint
CREATE TYPE "public"."token_kind" AS ENUM('api', 'enrolment', 'box');--> statement-breakpoint
CREATE TABLE "archive_chunks" (
	"archive_id" text NOT NULL,
	"offset" bigint NOT NULL,
	"data" "bytea" NOT NULL,
	CONSTRAINT "archive_chunks_archive_id_offset_pk" PRIMARY KEY("archive_id","offset")
);
--> statement-breakpoint
CREATE TABLE "archives" (
	"id" text PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"received" bigint DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"completed_at" timestamp (3) with time zone,
	CONSTRAINT "archives_complete" CHECK (("archives"."completed_at" is not null) = ("archives"."received" = "archives"."size"))
);
--> statement-breakpoint
CREATE TABLE "attempts" (
	"id" text PRIMARY KEY NOT NULL,
	"job_id" text NOT NULL,
	"number" integer NOT NULL,
	"box_id" text NOT NULL,
	"token" text NOT NULL,
	"state" "attempt_state" DEFAULT 'assigned' NOT NULL,
	"phase" text,
	"log_bytes" bigint DEFAULT 0 NOT NULL,
	"metric_count" integer DEFAULT 0 NOT NULL,
	"exit" jsonb,
	"offered_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"accepted_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"released_at" timestamp (3) with time zone,
	CONSTRAINT "attempts_number" UNIQUE("job_id","number"),
	CONSTRAINT "attempts_ended" CHECK (("attempts"."state" in ('ended', 'fenced')) = ("attempts"."ended_at" is not null)),
	CONSTRAINT "attempts_exit" CHECK ("attempts"."state" <> 'ended' or "attempts"."exit" is not null),
	CONSTRAINT "attempts_running" CHECK ("attempts"."state" <> 'running' or "attempts"."started_at" is not null)
);
--> statement-breakpoint
CREATE TABLE "boxes" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"state" text DEFAULT 'unreachable' NOT NULL,
	"labels" text[] DEFAULT '{}' NOT NULL,
	"facts" jsonb,
	"is_cordoned" boolean DEFAULT false NOT NULL,
	"is_draining" boolean DEFAULT false NOT NULL,
	"dirty_pids" integer[] DEFAULT '{}' NOT NULL,
	"free_slots" integer DEFAULT 0 NOT NULL,
	"infra_failures" integer DEFAULT 0 NOT NULL,
	"last_seen_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"removed_at" timestamp (3) with time zone,
	CONSTRAINT "boxes_state" CHECK ("boxes"."state" in ('online', 'unreachable')),
	CONSTRAINT "boxes_seen" CHECK ("boxes"."state" <> 'online' or "boxes"."last_seen_at" is not null)
);
--> statement-breakpoint
CREATE TABLE "code_states" (
	"key" text PRIMARY KEY NOT NULL,
	"files" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "events_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"txid" "xid8" DEFAULT pg_current_xact_id() NOT NULL,
	"type" text NOT NULL,
	"run_id" text,
	"box_id" text,
	"payload" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"token_id" text NOT NULL,
	"key" text NOT NULL,
	"request" text NOT NULL,
	"status" integer,
	"body" jsonb,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_token_id_key_pk" PRIMARY KEY("token_id","key")
);
--> statement-breakpoint
CREATE TABLE "iterations" (
	"id" text PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"number" integer NOT NULL,
	"state" "iteration_state" DEFAULT 'proposing' NOT NULL,
	"proposer" "proposer_kind",
	"proposal" jsonb,
	"config" jsonb,
	"config_key" text,
	"comparator_key" text,
	"repeat_of" text,
	"blocked" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"belief" jsonb,
	"patch" jsonb,
	"code_key" text,
	"commit_id" text,
	"repairs" integer DEFAULT 0 NOT NULL,
	"critique" jsonb,
	"decision" jsonb,
	"metric" double precision,
	"failure" "job_reason",
	"failure_detail" text,
	"lease_token" text,
	"lease_until" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"accepted_at" timestamp (3) with time zone,
	"measuring_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "iterations_number" UNIQUE("run_id","number"),
	CONSTRAINT "iterations_ended" CHECK (("iterations"."state" in ('blocked', 'kept', 'reverted', 'inconclusive', 'failed', 'cancelled')) = ("iterations"."ended_at" is not null)),
	CONSTRAINT "iterations_decided" CHECK (("iterations"."state" in ('kept', 'reverted', 'inconclusive')) = ("iterations"."decision" is not null)),
	CONSTRAINT "iterations_failed" CHECK (("iterations"."state" = 'failed') = ("iterations"."failure" is not null)),
	CONSTRAINT "iterations_proposed" CHECK ("iterations"."state" in ('proposing', 'blocked', 'cancelled') or ("iterations"."proposal" is not null and "iterations"."config" is not null and "iterations"."config_key" is not null and "iterations"."comparator_key" is not null and "iterations"."proposer" is not null and "iterations"."accepted_at" is not null)),
	CONSTRAINT "iterations_measuring" CHECK ("iterations"."state" not in ('measuring', 'kept', 'failed') or "iterations"."measuring_at" is not null),
	CONSTRAINT "iterations_lease" CHECK (("iterations"."lease_token" is null) = ("iterations"."lease_until" is null)),
	CONSTRAINT "iterations_leased" CHECK ("iterations"."state" = 'proposing' or "iterations"."lease_token" is null)
);
--> statement-breakpoint
CREATE TABLE "jobs" (
	"id" text PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"iteration_id" text,
	"role" "job_role" NOT NULL,
	"replicate" integer NOT NULL,
	"state" "job_state" DEFAULT 'queued' NOT NULL,
	"config" jsonb NOT NULL,
	"config_key" text NOT NULL,
	"seed" integer NOT NULL,
	"code_key" text,
	"pinned_box_id" text,
	"fingerprint" text,
	"attempt" integer DEFAULT 0 NOT NULL,
	"reason" "job_reason",
	"detail" text,
	"metric" double precision,
	"cancel_requested_at" timestamp (3) with time zone,
	"not_before" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"assigned_at" timestamp (3) with time zone,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "jobs_replicate" UNIQUE NULLS NOT DISTINCT("run_id","iteration_id","role","replicate"),
	CONSTRAINT "jobs_ended" CHECK (("jobs"."state" in ('succeeded', 'failed', 'timed_out', 'cancelled', 'lost')) = ("jobs"."ended_at" is not null)),
	CONSTRAINT "jobs_reason" CHECK (("jobs"."ended_at" is not null) = ("jobs"."reason" is not null)),
	CONSTRAINT "jobs_metric" CHECK (("jobs"."state" = 'succeeded') = ("jobs"."metric" is not null)),
	CONSTRAINT "jobs_assigned" CHECK ("jobs"."state" not in ('assigned', 'running') or ("jobs"."assigned_at" is not null and "jobs"."attempt" > 0)),
	CONSTRAINT "jobs_started" CHECK ("jobs"."state" not in ('running', 'succeeded') or "jobs"."started_at" is not null)
);
--> statement-breakpoint
CREATE TABLE "log_chunks" (
	"attempt_id" text NOT NULL,
	"offset" bigint NOT NULL,
	"data" "bytea" NOT NULL,
	CONSTRAINT "log_chunks_attempt_id_offset_pk" PRIMARY KEY("attempt_id","offset"),
	CONSTRAINT "log_chunks_size" CHECK (octet_length("log_chunks"."data") between 1 and 1048576)
);
--> statement-breakpoint
CREATE TABLE "metric_points" (
	"attempt_id" text NOT NULL,
	"seq" integer NOT NULL,
	"name" text NOT NULL,
	"value" double precision NOT NULL,
	"step" bigint,
	"at" timestamp (3) with time zone,
	CONSTRAINT "metric_points_attempt_id_seq_pk" PRIMARY KEY("attempt_id","seq")
);
--> statement-breakpoint
CREATE TABLE "model_calls" (
	"id" text PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"iteration_id" text,
	"purpose" text DEFAULT 'propose' NOT NULL,
	"model" text NOT NULL,
	"mode" text,
	"messages" jsonb NOT NULL,
	"answer" text,
	"reasoning" text,
	"error" text,
	"detail" text,
	"outcome" text NOT NULL,
	"latency_ms" double precision NOT NULL,
	"first_token_ms" double precision,
	"prompt_tokens" integer,
	"completion_tokens" integer,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notes" (
	"id" text PRIMARY KEY NOT NULL,
	"run_id" text NOT NULL,
	"version" integer NOT NULL,
	"body" text NOT NULL,
	"author" text NOT NULL,
	"state" text NOT NULL,
	"reason" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"decided_at" timestamp (3) with time zone,
	CONSTRAINT "notes_number" UNIQUE("run_id","version"),
	CONSTRAINT "notes_state" CHECK ("notes"."state" in ('proposed', 'adopted', 'rejected')),
	CONSTRAINT "notes_decided" CHECK (("notes"."state" = 'proposed') = ("notes"."decided_at" is null))
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "projects_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" text NOT NULL,
	"state" "run_state" DEFAULT 'queued' NOT NULL,
	"paused_from" "run_state",
	"spec" jsonb NOT NULL,
	"baseline_config" jsonb NOT NULL,
	"baseline_key" text NOT NULL,
	"incumbent_config" jsonb NOT NULL,
	"incumbent_key" text NOT NULL,
	"incumbent_iteration" integer,
	"notes" text,
	"live" jsonb,
	"playbook" jsonb,
	"ladder_step" integer DEFAULT 0 NOT NULL,
	"baseline_code_key" text,
	"incumbent_code_key" text,
	"base_commit" text,
	"breaker" jsonb,
	"stop_requested_at" timestamp (3) with time zone,
	"end_reason" text,
	"end_detail" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"started_at" timestamp (3) with time zone,
	"paused_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "runs_ended" CHECK (("runs"."state" in ('completed', 'stopped', 'failed')) = ("runs"."ended_at" is not null)),
	CONSTRAINT "runs_end_reason" CHECK (("runs"."ended_at" is not null) = ("runs"."end_reason" is not null)),
	CONSTRAINT "runs_paused" CHECK (("runs"."state" = 'paused') = ("runs"."paused_at" is not null)),
	CONSTRAINT "runs_paused_from" CHECK (("runs"."state" = 'paused') = ("runs"."paused_from" is not null)),
	CONSTRAINT "runs_started" CHECK ("runs"."state" not in ('baseline', 'running', 'completed') or "runs"."started_at" is not null)
);
--> statement-breakpoint
CREATE TABLE "telemetry" (
	"box_id" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"attempt_id" text,
	"sample" jsonb NOT NULL,
	CONSTRAINT "telemetry_box_id_at_pk" PRIMARY KEY("box_id","at")
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"id" text PRIMARY KEY NOT NULL,
	"kind" "token_kind" NOT NULL,
	"hash" text NOT NULL,
	"name" text NOT NULL,
	"scopes" text[] DEFAULT '{}' NOT NULL,
	"box_id" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"used_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "tokens_hash_unique" UNIQUE("hash"),
	CONSTRAINT "tokens_box" CHECK ("tokens"."kind" <> 'box' or "tokens"."box_id" is not null)
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" text PRIMARY KEY NOT NULL,
	"url" text NOT NULL,
	"secret" text NOT NULL,
	"types" text[] DEFAULT '{}' NOT NULL,
	"cursor" text NOT NULL,
	"failures" integer DEFAULT 0 NOT NULL,
	"not_before" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"disabled_at" timestamp (3) with time zone
);
--> statement-breakpoint
ALTER TABLE "archive_chunks" ADD CONSTRAINT "archive_chunks_archive_id_archives_id_fk" FOREIGN KEY ("archive_id") REFERENCES "public"."archives"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_job_id_jobs_id_fk" FOREIGN KEY ("job_id") REFERENCES "public"."jobs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_box_id_boxes_id_fk" FOREIGN KEY ("box_id") REFERENCES "public"."boxes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "iterations" ADD CONSTRAINT "iterations_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_pinned_box_id_boxes_id_fk" FOREIGN KEY ("pinned_box_id") REFERENCES "public"."boxes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "log_chunks" ADD CONSTRAINT "log_chunks_attempt" FOREIGN KEY ("attempt_id") REFERENCES "public"."attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metric_points" ADD CONSTRAINT "metric_points_attempt" FOREIGN KEY ("attempt_id") REFERENCES "public"."attempts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_calls" ADD CONSTRAINT "model_calls_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_calls" ADD CONSTRAINT "model_calls_iteration_id_iterations_id_fk" FOREIGN KEY ("iteration_id") REFERENCES "public"."iterations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notes" ADD CONSTRAINT "notes_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "telemetry" ADD CONSTRAINT "telemetry_box_id_boxes_id_fk" FOREIGN KEY ("box_id") REFERENCES "public"."boxes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_box_id_boxes_id_fk" FOREIGN KEY ("box_id") REFERENCES "public"."boxes"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "attempts_one_live" ON "attempts" USING btree ("job_id") WHERE "attempts"."state" in ('assigned', 'running');--> statement-breakpoint
CREATE INDEX "attempts_live_by_box" ON "attempts" USING btree ("box_id") WHERE "attempts"."state" in ('assigned', 'running');--> statement-breakpoint
CREATE UNIQUE INDEX "boxes_name" ON "boxes" USING btree ("name") WHERE "boxes"."removed_at" is null;--> statement-breakpoint
CREATE INDEX "events_cursor" ON "events" USING btree ("txid","id");--> statement-breakpoint
CREATE INDEX "events_by_run" ON "events" USING btree ("run_id","txid","id");--> statement-breakpoint
CREATE INDEX "jobs_queued" ON "jobs" USING btree ("created_at") WHERE "jobs"."state" = 'queued';--> statement-breakpoint
CREATE INDEX "jobs_by_iteration" ON "jobs" USING btree ("iteration_id");--> statement-breakpoint
CREATE INDEX "model_calls_by_run" ON "model_calls" USING btree ("run_id","created_at");--> statement-breakpoint
CREATE INDEX "model_calls_by_iteration" ON "model_calls" USING btree ("iteration_id");--> statement-breakpoint
CREATE INDEX "runs_by_project" ON "runs" USING btree ("project_id","created_at");--> statement-breakpoint
CREATE INDEX "runs_active" ON "runs" USING btree ("state") WHERE "runs"."ended_at" is null;