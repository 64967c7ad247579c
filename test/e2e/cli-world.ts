import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startModelServer, type ModelServer } from '../model-server/index.js';
import { Client } from './client.js';
import { firstLine, runCli, startCli, type CliResult } from './cli-process.js';

/** A control plane and an agent as a person starts them, by the command, with a scripted model beside them. */
export interface CliWorld {
  /** All that it writes lies below it. */
  folder: string;
  url: string;
  /** Its REST API, with the token that the control plane wrote for this machine. */
  client: Client;
  model: ModelServer;
  env: Record<string, string>;
  /** Runs the command in a folder, to its end. */
  run(cwd: string, ...args: string[]): Promise<CliResult>;
  stop(): Promise<void>;
}

/** @param database where it keeps its rows; its own embedded one when null. Dropped at the end. */
export async function startCliWorld(
  script: (text: string) => string | null,
  database: { url: string; drop(): Promise<void> } | null,
): Promise<CliWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-world-'));
  const home = join(folder, 'home');
  const model = await startModelServer({ behaviour: 'well-behaved', script });
  const children: ChildProcess[] = [];
  const stop = async () => {
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await model.close();
    await database?.drop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  };
  try {
    const serve = startCli(['serve', '--port', '0', '--json'], {
      env: { NIGHTSHIFT_HOME: home, ...(database ? { DATABASE_URL: database.url } : {}) },
    });
    children.push(serve);
    const { url } = JSON.parse(await firstLine(serve)) as { url: string };
    // Whoever gives a name to git on this machine must not decide what the tests see.
    const env = { NIGHTSHIFT_HOME: home, NIGHTSHIFT_SERVER: url, GIT_CONFIG_NOSYSTEM: '1' };
    const run = (cwd: string, ...args: string[]) => runCli(args, { env, cwd });
    const { secret } = JSON.parse((await run(folder, 'boxes', 'enrol', '--json')).out) as { secret: string };
    const enrolled = await run(folder, 'agent', 'enrol', '--server', url, '--token', secret, '--name', 'here');
    if (enrolled.code !== 0) throw new Error(`the agent could not enrol: ${enrolled.err}`);
    children.push(startCli(['agent', 'run', '--json'], { env }));
    const client = new Client(() => url, readFileSync(join(home, 'token'), 'utf8').trim());
    return { folder, url, client, model, env, run, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
