CREATE TABLE "earlier_sessions" (
	"run_id" text PRIMARY KEY NOT NULL,
	"session" jsonb NOT NULL
);
--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "earlier_figures" jsonb;--> statement-breakpoint
ALTER TABLE "earlier_sessions" ADD CONSTRAINT "earlier_sessions_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
INSERT INTO "earlier_sessions" ("run_id", "session") SELECT "id", "earlier" FROM "runs" WHERE jsonb_typeof("earlier") = 'object';
--> statement-breakpoint
-- What lists show of a session, as it is counted when a run is made. The best is the first of equals.
UPDATE "runs" SET "earlier_figures" = (
  SELECT jsonb_build_object(
    'name', "earlier" ->> 'name',
    'rows', count(*),
    'kept', count(*) FILTER (WHERE r ->> 'outcome' = 'kept'),
    'discarded', count(*) FILTER (WHERE r ->> 'outcome' = 'reverted'),
    'crashed', count(*) FILTER (WHERE r ->> 'outcome' = 'failed'),
    'withDiff', count(*) FILTER (WHERE r ->> 'diff' IS NOT NULL),
    'best', (array_agg(jsonb_build_object('line', r -> 'line', 'commit', r -> 'commit', 'metric', r -> 'metric')
        ORDER BY (r ->> 'metric')::double precision * CASE WHEN "earlier" #>> '{metric,goal}' = 'maximize' THEN -1 ELSE 1 END, n)
      FILTER (WHERE r ->> 'outcome' = 'kept' AND r ->> 'metric' IS NOT NULL))[1],
    'head', (array_agg(jsonb_build_object('line', r -> 'line', 'commit', r -> 'commit') ORDER BY n DESC)
      FILTER (WHERE r ->> 'outcome' = 'kept'))[1],
    'startsAtHead', "earlier" -> 'startsAtHead')
  FROM jsonb_array_elements("earlier" -> 'rows') WITH ORDINALITY AS rows(r, n))
WHERE jsonb_typeof("earlier") = 'object';
