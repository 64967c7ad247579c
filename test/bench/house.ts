import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startControlPlane, type ControlPlane } from '@nightshift/control-plane/main';
import { enrol, startAgent, type Agent } from '@nightshift/gpu-agent';

const quiet = {
  debug() {},
  info() {},
  warn() {},
  error(fields: object, message: string) {
    process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
  },
};

/** A control plane, its database and one agent, as a newcomer's machine has them, for as long as a measurement lasts. */
export interface House {
  controlPlane: ControlPlane;
  home: string;
  api<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Starts a run and waits for its end. */
  run(spec: unknown): Promise<{ id: string; state: string; endDetail: string | null }>;
  close(): Promise<void>;
}

export async function openHouse(options: { agent: boolean; hasSandbox?: boolean }): Promise<House> {
  const home = mkdtempSync(join(tmpdir(), 'nightshift-bench-'));
  const controlPlane = await startControlPlane({
    databaseUrl: process.env.DATABASE_URL,
    dataDir: join(home, 'postgres'),
    host: '127.0.0.1',
    port: 0,
    log: quiet,
    version: 'bench',
    apiKey: () => undefined,
  });
  const headers = { authorization: `Bearer ${controlPlane.firstToken}`, 'content-type': 'application/json' };
  const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${controlPlane.url}/v1${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  let agent: Agent | undefined;
  if (options.agent) {
    const { secret: token } = await api<{ secret: string }>('POST', '/enrolments', { name: 'bench' });
    await enrol({ server: controlPlane.url, token, name: 'bench', home: join(home, 'box'), labels: [] });
    agent = await startAgent({ home: join(home, 'box'), slots: 1, log: quiet, hasSandbox: options.hasSandbox });
  }
  return {
    controlPlane,
    home,
    api,
    async run(spec) {
      let run = await api<{ id: string; state: string; endedAt: string | null; endDetail: string | null }>(
        'POST',
        '/runs',
        { spec },
      );
      while (run.endedAt === null) run = await api('GET', `/runs/${run.id}/wait?timeoutSeconds=30`);
      return run;
    },
    async close() {
      await agent?.stop();
      await controlPlane.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
