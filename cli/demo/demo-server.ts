import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, DEFAULT_PORT } from '@nightshift/protocol';
import { startControlPlane } from '@nightshift/control-plane/main';
import type { Cli } from '../cli.js';
import { apiKeys } from '../api-keys.js';
import { connect, dataOf, type Api } from '../client.js';
import { listenError } from '../listen-error.js';
import { readTokenFile, writePrivate, type Home } from '../home.js';
import { createLog } from '../logger.js';
import { choosePort } from './choose-port.js';

const HOST = '127.0.0.1';

export interface DemoServer {
  url: string;
  api: Api;
  stop(): Promise<void>;
}

/** Starts the control plane of the demo, on a Postgres of its own below `home`. */
export async function startDemoServer(
  cli: Cli,
  home: Home,
  options: { port?: number | undefined; databaseUrl?: string | undefined; signal: AbortSignal },
): Promise<DemoServer> {
  mkdirSync(home.path, { recursive: true, mode: 0o700 });
  const logFile = createWriteStream(join(home.path, 'control-plane.log'), { flags: 'a', mode: 0o600 });
  const log = createLog({ isPretty: false, write: (text) => void logFile.write(text) });
  const port = options.port ?? (await choosePort(HOST, cli.environment.port ?? DEFAULT_PORT));
  const controlPlane = await startControlPlane({
    databaseUrl: options.databaseUrl,
    dataDir: home.postgres,
    host: HOST,
    port,
    log,
    version: cli.version,
    apiKey: apiKeys(cli.processEnv, log),
    signal: options.signal,
  }).catch((error: unknown) => {
    throw startError(error, port, home, options.databaseUrl === undefined);
  });
  const { url, firstToken } = controlPlane;
  const stop = async () => {
    await controlPlane.stop();
    await new Promise<void>((resolve) => logFile.end(() => resolve()));
  };
  try {
    if (firstToken !== null) writePrivate(home.token, `${firstToken}\n`);
    const api = connect({ server: url, token: readTokenFile(home.token) });
    await dataOf(api.GET('/v1/runs', { params: { query: { limit: 1 } } })).catch((error: unknown) => {
      throw tokenError(error, home, options.databaseUrl);
    });
    return { url, api, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startError(error: unknown, port: number, home: Home, isOwn: boolean): unknown {
  if (error instanceof AppError && error.code === 'database_locked')
    return new AppError('conflict', `another demo is running: ${error.message}`, {
      cause: error,
      hint: 'stop it with Ctrl-C in its terminal, or give this one a home of its own: NIGHTSHIFT_HOME=/tmp/another nightshift demo',
    });
  if (error instanceof AppError && error.code === 'migration_error' && isOwn)
    return new AppError('migration_error', error.message, {
      cause: error,
      hint: `another version's demo made this database; nothing but demos is in it: rm -r ${home.path}`,
    });
  return listenError(error, HOST, port);
}

function tokenError(error: unknown, home: Home, databaseUrl: string | undefined): unknown {
  if (!(error instanceof AppError) || error.code !== 'unauthenticated') return error;
  return new AppError('unauthenticated', `the token in ${home.token} does not fit the database of the demo`, {
    cause: error,
    hint: databaseUrl === undefined ? `remove ${home.path} and start again` : 'give the demo a database that is empty',
  });
}
