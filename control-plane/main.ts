import { randomUUID } from 'node:crypto';
import { serve, upgradeWebSocket } from '@hono/node-server';
import { WebSocketServer } from 'ws';
import { MAX_FRAME_BYTES } from '@nightshift/protocol';
import {
  insertFirstToken,
  insertToken,
  migrate,
  newSecret,
  notifyReplicas,
  openDatabase,
  type Database,
} from '@nightshift/db';
import { createApp } from './api/app.js';
import { startFleet } from './fleet/fleet.js';
import type { Log, Wake } from './loop/deps.js';
import { startDriver, type Driver } from './loop/driver.js';
import { startWebhooks } from './webhooks/deliver.js';

export interface ControlPlaneOptions {
  /** Any Postgres 15 or newer; without it the embedded one in `dataDir`. */
  databaseUrl?: string | undefined;
  dataDir: string;
  host: string;
  /** 0 takes a free port. */
  port: number;
  log: Log;
  version: string;
  /** Reads a variable that a spec names with apiKeyEnv. */
  apiKey: (name: string) => string | undefined;
  /** Ends a start that is under way: it rejects with the signal's reason and leaves nothing running. Afterwards there is `stop`. */
  signal?: AbortSignal | undefined;
}

export interface ControlPlane {
  url: string;
  database: Database;
  /** Set on the very first start: the administrator's token, shown once. */
  firstToken: string | null;
  /** Makes one more administrator's token: for whoever owns the database and has lost theirs. */
  makeAdminToken(): Promise<string>;
  stop(): Promise<void>;
}

/** A lease without renewal ends after this: a killed control plane's model call is made again that soon. Renewed at a quarter of it. */
const LEASE_MS = 10_000;
/** Pace of the sweeps that find what no hint told of. Shorter costs idle queries, longer delays what a lost hint delays. */
const SWEEP_MS = 2_000;
const TELEMETRY_KEEP_DAYS = 14;
const CLOSE_MS = 2_000;

/** Starts a control plane in this process: database, loop, fleet and REST API. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { log } = options;
  const database = await openDatabase({
    url: options.databaseUrl,
    dataDir: options.dataDir,
    signal: options.signal,
    log: (message) => log.info({}, message),
  });
  try {
    return await wire(options, database);
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function wire(options: ControlPlaneOptions, database: Database): Promise<ControlPlane> {
  const { log, version } = options;
  const { db } = database;
  options.signal?.throwIfAborted();
  await migrate(database);
  options.signal?.throwIfAborted();
  const replicaId = randomUUID();
  const abort = new AbortController();
  let driver: Driver | undefined;
  // A hint goes to this process at once and to the other replicas through the database; neither is needed to be right.
  const tellReplicas = (hint: string) => {
    notifyReplicas(db, `${replicaId} ${hint}`).catch((error: unknown) =>
      log.debug({ err: error }, 'a hint could not be sent'),
    );
  };
  const wake: Wake = {
    run(runId) {
      driver?.wake(runId);
      tellReplicas(`run:${runId}`);
    },
    fleet() {
      fleet.wake();
      tellReplicas('fleet');
    },
  };
  const fleet = startFleet({ db, log, wake }, { sweepMs: SWEEP_MS, telemetryKeepDays: TELEMETRY_KEEP_DAYS });
  const app = createApp({ db, log, wake, fleet, version, upgradeWebSocket, signal: abort.signal });
  const wss = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  wss.on('connection', (socket) => socket.on('error', (error) => log.debug({ err: error }, 'a websocket failed')));
  const { server, url } = await new Promise<{ server: ReturnType<typeof serve>; url: string }>((resolve, reject) => {
    const starting = serve(
      { fetch: app.fetch, hostname: options.host, port: options.port, websocket: { server: wss } },
      (info) => {
        const host = options.host === '0.0.0.0' || options.host === '::' ? '127.0.0.1' : options.host;
        resolve({ server: starting, url: `http://${host.includes(':') ? `[${host}]` : host}:${info.port}` });
      },
    );
    starting.once('error', reject);
  }).catch((error: unknown) => {
    fleet.stop();
    throw error;
  });

  // What drives runs starts when the address is ours: a second start on a taken port must leave no trace, and no token nobody sees.
  driver = startDriver(
    { db, log, wake, apiKey: options.apiKey, leaseMs: LEASE_MS, signal: abort.signal },
    { sweepMs: SWEEP_MS },
  );
  const listening = await listen(database, log, replicaId, { run: (id) => driver.wake(id), fleet: () => fleet.wake() });

  const webhooks = startWebhooks({ db, log }, { sweepMs: SWEEP_MS });
  const secret = newSecret('nst');
  const firstToken = (await insertFirstToken(db, secret)) ? secret : null;

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    abort.abort();
    fleet.stop();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of wss.clients) socket.close(1012, 'the control plane restarts');
    await Promise.all([driver.stop(), webhooks.stop()]);
    // server.close waits for open sockets and never closes them: the stragglers are cut.
    const cut = setTimeout(() => {
      for (const socket of wss.clients) socket.terminate();
      if ('closeAllConnections' in server) server.closeAllConnections();
    }, CLOSE_MS);
    if ('closeIdleConnections' in server) server.closeIdleConnections();
    await closed;
    clearTimeout(cut);
    await listening.stop();
    await database.close();
  };
  const makeAdminToken = async () => {
    const again = newSecret('nst');
    await insertToken(db, { kind: 'api', secret: again, name: 'administrator of this home', scopes: ['admin'] });
    return again;
  };
  return { url, database, firstToken, makeAdminToken, stop: () => (stopping ??= stop()) };
}

async function listen(
  database: Database,
  log: Log,
  replicaId: string,
  on: { run: (id: string) => void; fleet: () => void },
): Promise<{ stop(): Promise<void> }> {
  try {
    const subscription = await database.sql.listen('nightshift', (message) => {
      const [from, hint = ''] = message.split(' ');
      if (from === replicaId) return;
      if (hint.startsWith('run:')) on.run(hint.slice(4));
      else on.fleet();
    });
    return { stop: () => subscription.unlisten().catch(() => undefined) };
  } catch (error) {
    log.info({ err: error }, 'this database passes on no notifications (a pooler?); the sweeps do without');
    return { stop: async () => undefined };
  }
}
