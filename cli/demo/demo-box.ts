import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AppError } from '@nightshift/protocol';
import { enrol, readCredentials } from '@nightshift/gpu-agent';
import { dataOf, type Api } from '../client.js';

const NAME = 'demo';
const LOOK_MS = 100;
/** Enough for a slow disk and a cold start; longer only delays the message that something is wrong. */
const ONLINE_MS = 30_000;
/** The agent needs milliseconds to leave; after this it hangs and is killed. */
const LEAVE_MS = 5_000;

export interface DemoBox {
  name: string;
  /** Resolves when the agent's process has ended, by itself or not. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

export interface DemoBoxOptions {
  home: string;
  url: string;
  api: Api;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
}

/** Enrols this machine, unless an earlier demo has, and starts its agent as a process of its own. */
export async function startDemoBox(options: DemoBoxOptions): Promise<DemoBox> {
  const { home, url, api, env, signal } = options;
  const id = await enrolledBox(options);
  const logPath = join(home, 'agent.log');
  const log = openSync(logPath, 'a', 0o600);
  const bin = fileURLToPath(new URL('../../bin/nightshift.js', import.meta.url));
  // Detached: a Ctrl-C at the terminal reaches the demo alone, which stops the run before the agent. The channel ends the agent
  // when the demo is killed.
  const child = spawn(process.execPath, [bin, 'agent', 'run', '--home', home, '--server', url, '--json'], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
    env,
  });
  closeSync(log);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const box = { name: NAME, exited, stop: () => stopAgent(child, exited) };
  try {
    await waitUntilOnline(api, id, { child, logPath, signal });
    return box;
  } catch (error) {
    await box.stop();
    throw error;
  }
}

async function enrolledBox({ home, url, api }: DemoBoxOptions): Promise<string> {
  const { items } = await dataOf(api.GET('/v1/boxes', { params: { query: { limit: 500 } } }));
  const known = existsSync(join(home, 'agent.json')) ? readCredentials(home).boxId : null;
  const found = items.find((box) => box.id === known);
  if (found) return found.id;
  // A box of that name whose credential is lost can never come back.
  const stale = items.find((box) => box.name === NAME);
  if (stale) await dataOf(api.DELETE('/v1/boxes/{id}', { params: { path: { id: stale.id } } }));
  const { secret: token } = await dataOf(api.POST('/v1/enrolments', { body: { name: 'demo', ttlSeconds: 600 } }));
  return (await enrol({ server: url, token, name: NAME, home, labels: [] })).boxId;
}

async function waitUntilOnline(
  api: Api,
  id: string,
  { child, logPath, signal }: { child: ChildProcess; logPath: string; signal: AbortSignal },
): Promise<void> {
  const until = performance.now() + ONLINE_MS;
  // A box is called online for a while after its agent has gone: only what was seen since now counts.
  const startedAt = Date.now();
  while (!signal.aborted) {
    const box = await dataOf(api.GET('/v1/boxes/{id}', { params: { path: { id } } }));
    if (box.state === 'online' && Date.parse(box.lastSeenAt ?? '') >= startedAt) return;
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > until)
      throw new AppError('internal', `the agent of the demo did not come up\n${tail(logPath)}`, {
        hint: `its log is ${logPath}; nightshift agent doctor says what is missing`,
      });
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

function tail(path: string): string {
  return readFileSync(path, 'utf8').split('\n').slice(-6).join('\n').slice(-1500);
}

async function stopAgent(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const hasLeft = await Promise.race([exited.then(() => true), delay(LEAVE_MS, false, { ref: false })]);
  if (hasLeft) return;
  child.kill('SIGKILL');
  await exited;
}
