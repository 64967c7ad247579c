import { AppError } from '@nightshift/protocol';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres, { type Sql } from 'postgres';
import { type ConnectionOptions, type DatabaseUrl, parseDatabaseUrl } from './database-url.js';
import { startEmbeddedPostgres } from './embedded/start.js';
import { openPool } from './pool.js';
import type { Db } from './rows.js';
import * as schema from './schema.js';
import { waitForServer } from './wait-for-server.js';

// A free connection is closed after this: shorter reconnects at every quiet minute, longer holds a pooler's slots.
const IDLE_SECONDS = 60;
// Shorter fails on a distant serverless database that wakes up, longer hides a firewall that drops packets.
const CONNECT_SECONDS = 15;
// Shorter churns, longer keeps talking to a replica that DNS has long moved away from, and to bloated backends.
const LIFETIME_SECONDS = 30 * 60;
// A query that runs longer has lost its caller: shorter kills reports on a large trajectory, longer lets them pile up.
const STATEMENT_MS = 60_000;
// A frozen process must not keep its row locks: shorter cuts off slow transactions, longer stalls everyone else.
const IDLE_IN_TRANSACTION_MS = 60_000;
const CLOSE_SECONDS = 5;

export interface Database {
  /** For tables. */
  db: Db;
  /** For hot inserts, COPY and LISTEN: a client of its own, because drizzle changes how its client encodes values. */
  sql: Sql;
  /** Gives any Nightshift process the same database, as its DATABASE_URL. */
  url: string;
  /** Whether the server is ours, stopped by `close`. */
  embedded: boolean;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Any Postgres 15 or newer. Without it the embedded one in `dataDir` is started. */
  url?: string | undefined;
  dataDir?: string | undefined;
  /** Connections for tables, 10 by default; half as many more for `sql`. All are opened on demand. */
  max?: number | undefined;
  applicationName?: string | undefined;
  /** How long a server that does not answer yet is waited for. */
  waitMs?: number | undefined;
  /** Gives up what has not been opened yet, and leaves nothing running. */
  signal?: AbortSignal | undefined;
  log?: ((message: string) => void) | undefined;
}

/**
 * Opens the database and checks that it can be used; `migrate` makes its tables.
 * @throws AppError `config_invalid`, `database_unavailable`, or `database_locked` when another process has the data directory.
 */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  if (options.url) return connect(options.url, options);
  if (!options.dataDir) {
    throw new AppError('config_invalid', 'There is neither a DATABASE_URL nor a directory for the embedded database.');
  }
  const server = await startEmbeddedPostgres({ dataDir: options.dataDir, log: options.log });
  try {
    options.signal?.throwIfAborted();
    return await connect(server.url, options, () => server.stop());
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function connect(url: string, options: OpenOptions, stopServer?: () => Promise<void>): Promise<Database> {
  const target = parseDatabaseUrl(url);
  const max = options.max ?? 10;
  const application = options.applicationName ?? 'nightshift';
  const sql = postgres(clientOptions(target, application, Math.max(2, Math.ceil(max / 2))));
  try {
    await waitForServer(sql, target.label, options);
  } catch (error) {
    // What was asked and not answered when the caller ends is not waited for.
    await sql.end({ timeout: options.signal?.aborted ? 0 : CLOSE_SECONDS });
    throw error;
  }
  // Without fetch_types: drizzle reads and writes arrays itself, and a connection that ends while the driver asks for their
  // types rejects a promise that nobody holds, which ends the process.
  const slotOptions = { ...clientOptions(target, application, 1), fetch_types: false };
  const pool = openPool((onclose) => postgres({ ...slotOptions, onclose }), max);
  return {
    db: drizzle(pool as unknown as Sql, { schema }),
    sql,
    url,
    embedded: stopServer !== undefined,
    async close() {
      await Promise.all([pool.close(CLOSE_SECONDS), sql.end({ timeout: CLOSE_SECONDS })]);
      await stopServer?.();
    },
  };
}

/** Options for a `postgres()` client of this database; what the URL says wins. */
export function clientOptions(target: DatabaseUrl, application: string, max: number): ConnectionOptions {
  return {
    idle_timeout: IDLE_SECONDS,
    connect_timeout: CONNECT_SECONDS,
    max_lifetime: LIFETIME_SECONDS,
    ...target.options,
    max,
    onnotice: () => undefined,
    connection: target.isPooled
      ? { application_name: application }
      : {
          application_name: application,
          TimeZone: 'UTC',
          statement_timeout: STATEMENT_MS,
          idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
          ...target.parameters,
        },
  };
}
