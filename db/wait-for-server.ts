import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import type { Sql } from 'postgres';

const OLDEST_VERSION = 150_000;
// Shorter fails when compose starts both at once, longer keeps quiet about a wrong address.
const WAIT_MS = 30_000;
const RETRY_MS = 250;

// What a server, or the name of its host, that is not there yet answers; everything else will not mend itself.
const NOT_YET = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  '57P03', // starting up, or recovering
  '53300', // too many connections
]);

const HINTS: Record<string, string> = {
  '28P01': 'The user or password in DATABASE_URL is wrong.',
  '28000': 'The server does not let this user in from here; look at pg_hba.conf and sslmode.',
  '3D000': 'Create the database first: createdb NAME',
};

/**
 * Waits until the server answers, and checks that it is a Postgres that Nightshift can use.
 * @throws AppError `database_unavailable`; the reason of `signal` once it has aborted.
 */
export async function waitForServer(
  sql: Sql,
  label: string,
  { waitMs = WAIT_MS, signal }: { waitMs?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const deadline = Date.now() + waitMs;
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  aborted.catch(() => undefined);
  for (;;) {
    try {
      signal?.throwIfAborted();
      const asked = sql<{ version: number; standby: boolean }[]>`
        select current_setting('server_version_num')::int as version, pg_is_in_recovery() as standby`;
      // A server that takes the connection and says nothing is left at once when the caller ends.
      const [row] = await Promise.race([asked, aborted]);
      if (row) checkServer(row, label);
      return;
    } catch (error) {
      if (error instanceof AppError || signal?.aborted) throw error;
      const code = (error as { code?: string }).code ?? '';
      if (!NOT_YET.has(code) || Date.now() + RETRY_MS > deadline) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new AppError('database_unavailable', `The database at ${label} cannot be opened: ${reason}`, {
          cause: error,
          hint: HINTS[code] ?? 'Check DATABASE_URL and that the server runs and accepts connections from here.',
        });
      }
    }
    await delay(RETRY_MS, undefined, { ...(signal && { signal }) });
  }
}

/** @param server `version` as in server_version_num, e.g. 150018. */
export function checkServer(server: { version: number; standby: boolean }, label: string): void {
  if (server.version < OLDEST_VERSION) {
    const major = Math.floor(server.version / 10_000);
    throw new AppError(
      'database_unavailable',
      `The database at ${label} is Postgres ${major}; 15 or newer is needed.`,
      {
        hint: 'Upgrade the server, or leave DATABASE_URL out to use the embedded one.',
      },
    );
  }
  if (server.standby) {
    throw new AppError('database_unavailable', `The database at ${label} is a read-only standby.`, {
      hint: 'Point DATABASE_URL at the primary.',
    });
  }
}
