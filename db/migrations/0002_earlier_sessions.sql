ALTER TABLE "runs" ADD COLUMN "base_prefix" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "earlier" jsonb;