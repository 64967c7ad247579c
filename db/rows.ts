import type { ExtractTablesWithRelations } from 'drizzle-orm';
import type { PgTransaction } from 'drizzle-orm/pg-core';
import type { PostgresJsDatabase, PostgresJsQueryResultHKT } from 'drizzle-orm/postgres-js';
import type * as schema from './schema.js';

type Schema = typeof schema;
export type Db = PostgresJsDatabase<Schema>;
export type Tx = PgTransaction<PostgresJsQueryResultHKT, Schema, ExtractTablesWithRelations<Schema>>;
/** The database or a transaction on it. Inside a transaction always pass the transaction. */
export type Queryable = Db | Tx;

export type ArchiveRow = typeof schema.archives.$inferSelect;
export type ProjectRow = typeof schema.projects.$inferSelect;
export type RunRow = typeof schema.runs.$inferSelect;
export type IterationRow = typeof schema.iterations.$inferSelect;
export type JobRow = typeof schema.jobs.$inferSelect;
export type AttemptRow = typeof schema.attempts.$inferSelect;
export type BoxRow = typeof schema.boxes.$inferSelect;
export type ModelCallRow = typeof schema.modelCalls.$inferSelect;
export type NoteRow = typeof schema.notes.$inferSelect;
export type TokenRow = typeof schema.tokens.$inferSelect;
export type MetricPointRow = typeof schema.metricPoints.$inferSelect;
export type TelemetryRow = typeof schema.telemetry.$inferSelect;
export type WebhookRow = typeof schema.webhooks.$inferSelect;
