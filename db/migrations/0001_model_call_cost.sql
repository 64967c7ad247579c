ALTER TABLE "model_calls" ADD COLUMN "cost_usd" double precision;
--> statement-breakpoint
-- Earlier calls, at the prices that their run's spec gives the model of that name: a run that goes on has spent them.
UPDATE "model_calls" c
SET "cost_usd" = (coalesce(c."prompt_tokens" * (m ->> 'inputUsdPerMillion')::double precision, 0)
  + coalesce(c."completion_tokens" * (m ->> 'outputUsdPerMillion')::double precision, 0)) / 1e6
FROM "runs" r
CROSS JOIN LATERAL (
  SELECT r."spec" #> '{proposer,model}' UNION ALL SELECT r."spec" #> '{proposer,critic}'
  UNION ALL SELECT jsonb_path_query(r."spec", '$.proposer.ladder.models[*]')
) AS models(m)
WHERE r."id" = c."run_id" AND m ->> 'name' = c."model"
  AND coalesce(m ->> 'inputUsdPerMillion', m ->> 'outputUsdPerMillion') IS NOT NULL
  AND coalesce(c."prompt_tokens", c."completion_tokens") IS NOT NULL;
