import { readFileSync } from 'node:fs';
import { AppError } from '@nightshift/protocol';
import type { Options, PostgresType } from 'postgres';

export type ConnectionOptions = Options<Record<string, PostgresType>>;

export interface DatabaseUrl {
  /** For `postgres()`, without pool sizes and timeouts. */
  options: ConnectionOptions;
  /** Server run-time parameters that the URL asks for. */
  parameters: Record<string, string>;
  /** Behind a transaction pooler: no prepared statements, and no run-time parameters at the start. */
  isPooled: boolean;
  /** `host:port/database`, for messages: never the password. */
  label: string;
}

// Meant for other clients (libpq, Prisma, node-postgres); Postgres itself refuses them as run-time parameters.
const FOREIGN = ['channel_binding', 'connection_limit', 'gssencmode', 'pool_timeout', 'schema', 'uselibpqcompat'];
const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * Reads a `postgres://` URL as libpq does, which the driver does not: `?host=/dir` or a percent-encoded host is a unix
 * socket, `sslrootcert` a file. `?pgbouncer=true` or `?prepare=false` says that a transaction pooler is in between.
 * @throws AppError `config_invalid`
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw invalid('it is not a URL', cause);
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw invalid('it must begin with postgres://');
  const { host, port, user, password, dbname, sslmode, sslrootcert, pgbouncer, prepare, connect_timeout, ...rest } =
    Object.fromEntries(url.searchParams);
  const hostname = host || decode(url.hostname) || 'localhost';
  const isSocket = hostname.startsWith('/');
  const portNumber = Number(port || url.port || 5432);
  const isPooled = isTrue(pgbouncer) || prepare === 'false' || prepare === '0';
  const database = dbname || decode(url.pathname.slice(1));
  const username = user || decode(url.username);
  const secret = password || decode(url.password);
  if (connect_timeout !== undefined && !(Number(connect_timeout) >= 0)) throw invalid('connect_timeout is no number');

  const options: ConnectionOptions = { host: hostname, port: portNumber, prepare: !isPooled };
  if (username) options.username = username;
  if (secret) options.password = secret;
  if (database) options.database = database;
  if (connect_timeout) options.connect_timeout = Number(connect_timeout);
  if (!isSocket) options.ssl = tls(sslmode, sslrootcert);
  const parameters = Object.fromEntries(Object.entries(rest).filter(([name]) => !FOREIGN.includes(name)));
  return { options, parameters, isPooled, label: `${hostname}${isSocket ? '' : `:${portNumber}`}/${database}` };
}

function tls(mode = 'disable', rootCertificate: string | undefined): NonNullable<ConnectionOptions['ssl']> {
  if (!TLS_MODES.includes(mode)) throw invalid(`sslmode must be one of ${TLS_MODES.join(', ')}`);
  if (mode === 'disable') return false;
  const isVerified = mode === 'verify-ca' || mode === 'verify-full';
  if (!isVerified) return mode as 'allow' | 'prefer' | 'require';
  if (!rootCertificate || rootCertificate === 'system') return 'verify-full';
  try {
    return {
      ca: readFileSync(rootCertificate),
      rejectUnauthorized: true,
      // libpq's verify-ca trusts the authority for any host name.
      ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    };
  } catch (cause) {
    throw invalid(`sslrootcert ${rootCertificate} cannot be read`, cause);
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalid('a % in a user, password, host or database must be written %25', cause);
  }
}

function isTrue(value: string | undefined): boolean {
  return value === 'true' || value === '1';
}

function invalid(reason: string, cause?: unknown): AppError {
  return new AppError('config_invalid', `DATABASE_URL cannot be used: ${reason}.`, {
    cause,
    hint: 'Write it as postgres://user:password@host:5432/database',
  });
}
