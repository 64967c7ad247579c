import postgres, { type TransactionSql } from 'postgres';
import { AppError } from '@nightshift/protocol';
import { parseDatabaseUrl } from './database-url.js';
import { type Migration, migrationsFolder, readMigrations } from './migration-files.js';
import { clientOptions } from './open.js';

// Any number that nobody else locks in this database; one migration runs at a time under it.
const LOCK_KEY = 7_216_048_331;

interface AppliedMigration {
  hash: string;
  createdAt: number;
}

/**
 * Applies the migrations that drizzle-kit generated and the database has not had, each in a transaction of its own and
 * under a lock, so that any number of processes may call it at once. The ledger is drizzle's own table.
 * @param database only its `url` is used; it must lead to a user who may create tables.
 * @returns the names that this call applied, in order.
 * @throws AppError `migration_error` when an applied migration's file was changed or is unknown here, when one to apply is
 * older than the newest applied one, or when its SQL fails (the cause).
 */
export async function migrate(database: { url: string }, options: { folder?: string } = {}): Promise<string[]> {
  const migrations = await readMigrations(options.folder ?? migrationsFolder());
  const client = clientOptions(parseDatabaseUrl(database.url), 'nightshift-migrate', 1);
  const sql = postgres(client);
  const applied: string[] = [];
  try {
    for (;;) {
      const tag = await sql.begin((tx) => applyNext(tx, migrations));
      if (tag === undefined) return applied;
      applied.push(tag);
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function applyNext(tx: TransactionSql, migrations: Migration[]): Promise<string | undefined> {
  // Waiting for another's migration, or rewriting a large table, takes as long as it takes.
  await tx`select set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)`;
  await tx`select pg_advisory_xact_lock(${LOCK_KEY}::bigint)`;
  const applied = await readLedger(tx);
  const next = planNext(migrations, applied);
  if (!next) return undefined;
  try {
    for (const statement of next.statements) await tx.unsafe(statement);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('migration_error', `Migration ${next.tag} failed, and nothing of it was kept: ${reason}`, {
      cause,
    });
  }
  await tx`insert into drizzle.__drizzle_migrations (hash, created_at) values (${next.hash}, ${next.when})`;
  return next.tag;
}

async function readLedger(tx: TransactionSql): Promise<AppliedMigration[]> {
  const [row] = await tx`select to_regclass('drizzle.__drizzle_migrations') is not null as is_there`;
  if (!row?.is_there) {
    await tx`create schema if not exists drizzle`;
    await tx`create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;
    return [];
  }
  const rows = await tx<{ hash: string; created_at: string }[]>`
    select hash, created_at from drizzle.__drizzle_migrations order by created_at, id`;
  return rows.map((each) => ({ hash: each.hash, createdAt: Number(each.created_at) }));
}

/** The first migration that the database has not had, after checking that what it has had is what the files say. */
export function planNext(migrations: Migration[], applied: AppliedMigration[]): Migration | undefined {
  const byTime = new Map(migrations.map((each) => [each.when, each]));
  let newest = -Infinity;
  for (const { hash, createdAt } of applied) {
    const file = byTime.get(createdAt);
    if (!file) {
      const at = new Date(createdAt).toISOString();
      throw new AppError(
        'migration_error',
        `The database has a migration of ${at} that this Nightshift does not know.`,
        {
          hint: 'A newer Nightshift has used this database: upgrade this one, or restore a backup from before.',
        },
      );
    }
    if (file.hash !== hash) {
      throw new AppError('migration_error', `Migration ${file.tag} was changed after it was applied.`, {
        hint: 'Put the file back as it was, and write the change as a new migration.',
      });
    }
    newest = Math.max(newest, createdAt);
  }
  const done = new Set(applied.map((each) => each.createdAt));
  const pending = migrations.filter((each) => !done.has(each.when));
  const late = pending.find((each) => each.when < newest);
  if (late) {
    const message = `Migration ${late.tag} is older than the newest one that the database has had, and would never be applied.`;
    throw new AppError('migration_error', message, {
      hint: 'It was probably merged late: generate it again on top of the newest one.',
    });
  }
  return pending[0];
}
