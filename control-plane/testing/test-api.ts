import { insertToken, newSecret, type Db, type RunRow } from '@nightshift/db';
import { parseSpec, type Scope, type SpecInput } from '@nightshift/protocol';
import { createApp } from '../api/app.js';
import type { ApiDeps } from '../api/deps.js';
import { startFleet } from '../fleet/fleet.js';
import { createRun } from '../loop/create-run.js';
import { paperBox } from './paper-box.js';
import { drive, loopDeps } from './test-loop.js';

export interface Call {
  token?: string | null;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The whole API on a database of a test, without a port, and an administrator who calls it. */
export async function testApi(db: Db) {
  /** What the app logged as errors: every answer of 5xx leaves one. */
  const errors: object[] = [];
  const log = {
    debug() {},
    info() {},
    warn() {},
    error(fields: object) {
      errors.push(fields);
    },
  };
  const wake = { run() {}, fleet() {} };
  const ending = new AbortController();
  const fleet = startFleet({ db, log, wake }, { sweepMs: 3_600_000, telemetryKeepDays: 14 });
  // Nothing here upgrades: tests of the socket have a server.
  const upgradeWebSocket: ApiDeps['upgradeWebSocket'] = () => async (_c, next) => next();
  const app = createApp({ db, log, wake, fleet, version: '0.0.0', upgradeWebSocket, signal: ending.signal });

  const token = async (...scopes: Scope[]): Promise<string> => {
    const secret = newSecret('nst');
    await insertToken(db, { kind: 'api', secret, name: `test ${scopes.join(' ')}`, scopes });
    return secret;
  };
  const admin = await token('admin');
  const call = async (method: string, path: string, { token: bearer = admin, body, headers, signal }: Call = {}) =>
    app.request(path, {
      method,
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  return {
    app,
    db,
    errors,
    token,
    admin,
    call,
    /** Calls, and gives the JSON of the answer with its status. */
    async json(method: string, path: string, options?: Call) {
      const response = await call(method, path, options);
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) };
    },
    stop() {
      ending.abort();
      fleet.stop();
    },
  };
}
export type TestApi = Awaited<ReturnType<typeof testApi>>;

export const SMALL_SPEC = {
  name: 'parabola',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize', bounds: [0, 100] },
  job: { train: 'true', budget: '1s' },
  menu: {
    knobs: {
      x: { type: 'int', range: [0, 20], default: 0 },
      mode: { type: 'str', choices: ['a', 'b'], default: 'a' },
    },
  },
  decision: { baselineReplicates: 1, maxReplicates: 2, minImprovement: 0.01 },
  stop: { iterations: 4 },
} satisfies SpecInput;

/** A run that a box without a machine has worked through to its end. */
export async function finishedRun(db: Db): Promise<RunRow> {
  const deps = loopDeps(db);
  const { id } = await createRun(deps, parseSpec(SMALL_SPEC));
  return drive(deps, id, await paperBox(db), (config) => 1 + ((config.x as number) - 12) ** 2 / 10);
}
