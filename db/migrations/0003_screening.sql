ALTER TYPE "public"."iteration_state" ADD VALUE 'screened_out';--> statement-breakpoint
ALTER TYPE "public"."job_role" ADD VALUE 'screen';--> statement-breakpoint
ALTER TABLE "iterations" DROP CONSTRAINT "iterations_ended";--> statement-breakpoint
ALTER TABLE "iterations" ADD COLUMN "screening" jsonb;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "screening_off" text;--> statement-breakpoint
ALTER TABLE "iterations" ADD CONSTRAINT "iterations_screened_out" CHECK ("iterations"."state"::text <> 'screened_out' or ("iterations"."screening" is not null and "iterations"."measuring_at" is not null));--> statement-breakpoint
ALTER TABLE "iterations" ADD CONSTRAINT "iterations_ended" CHECK (("iterations"."state"::text in ('blocked', 'kept', 'reverted', 'inconclusive', 'failed', 'cancelled', 'screened_out')) = ("iterations"."ended_at" is not null));