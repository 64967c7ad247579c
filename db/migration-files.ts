import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@nightshift/protocol';

/** One file of a folder that drizzle-kit writes. */
export interface Migration {
  /** The file's name without `.sql`. */
  tag: string;
  /** When it was generated, in ms since 1970; drizzle's ledger knows it by this. */
  when: number;
  /** SHA-256 of the whole file, in hex, as drizzle computes it. */
  hash: string;
  statements: string[];
}

const BREAKPOINT = '--> statement-breakpoint';

/** The folder that Nightshift ships, beside the sources and one above the built files. */
export function migrationsFolder(): string {
  const candidates = ['./migrations', '../migrations'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  const found = candidates.find((folder) => existsSync(journalFile(folder)));
  if (found) return found;
  throw new AppError('migration_error', `There are no migrations in ${candidates.join(' or ')}.`);
}

/**
 * Reads a drizzle-kit folder, oldest first.
 * @throws AppError `migration_error` when a file is missing or the journal's times do not increase.
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readJournal(folder);
  const migrations: Migration[] = [];
  for (const { tag, when } of entries) {
    const previous = migrations.at(-1);
    if (previous && when <= previous.when) {
      throw new AppError(
        'migration_error',
        `Migration ${tag} is not newer than ${previous.tag}, which stands before it.`,
        {
          hint: 'Generate it again on top of the newest one, so that every database applies them in the same order.',
        },
      );
    }
    const path = join(folder, `${tag}.sql`);
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      throw new AppError('migration_error', `Migration ${path} is in the journal and cannot be read.`, { cause });
    });
    const statements = text.split(BREAKPOINT).filter((statement) => statement.trim() !== '');
    migrations.push({ tag, when, hash: createHash('sha256').update(text).digest('hex'), statements });
  }
  return migrations;
}

async function readJournal(folder: string): Promise<{ tag: string; when: number }[]> {
  const path = journalFile(folder);
  const invalid = (reason: string, cause?: unknown) =>
    new AppError('migration_error', `The journal of migrations ${path} ${reason}.`, { cause });
  let journal: unknown;
  try {
    journal = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw invalid('cannot be read', cause);
  }
  const entries = (journal as { entries?: unknown } | null)?.entries;
  if (!Array.isArray(entries)) throw invalid('has no list of entries');
  return entries.map((entry: unknown) => {
    const { tag, when } = (entry ?? {}) as { tag?: unknown; when?: unknown };
    if (typeof tag !== 'string' || typeof when !== 'number') throw invalid('has an entry without a tag or a time');
    return { tag, when };
  });
}

function journalFile(folder: string): string {
  return join(folder, 'meta', '_journal.json');
}
