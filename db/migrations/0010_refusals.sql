CREATE TABLE "refusals" (
	"run_id" text NOT NULL,
	"box_id" text NOT NULL,
	"is_edited" boolean NOT NULL,
	"why" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "refusals_run_id_box_id_is_edited_pk" PRIMARY KEY("run_id","box_id","is_edited")
);
--> statement-breakpoint
ALTER TABLE "refusals" ADD CONSTRAINT "refusals_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refusals" ADD CONSTRAINT "refusals_box_id_boxes_id_fk" FOREIGN KEY ("box_id") REFERENCES "public"."boxes"("id") ON DELETE no action ON UPDATE no action;