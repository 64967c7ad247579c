import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The built entry of a process: beside this file when this file was built, in `dist` when it is run from source. */
function entry(name: string): string {
  const beside = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL(`../dist/e2e/${name}.js`, import.meta.url));
}

export interface Child {
  pid: number;
  /** The first line that it printed, parsed: how it says that it is ready. */
  ready: Promise<Record<string, unknown>>;
  /** The next line that it prints after `act` was done, parsed. */
  nextLine(act: () => void): Promise<Record<string, unknown>>;
  /** Settles with what ended it. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  isRunning(): boolean;
  /** Everything it wrote to stderr. */
  complaints(): string;
  /** Asks by SIGTERM and insists by SIGKILL. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** A real process of ours, told by its stdin's end when this one is gone. */
export function startChild(name: string, args: string[], env: Record<string, string>, nodeArgs: string[] = []): Child {
  const child: ChildProcess = spawn(process.execPath, [...nodeArgs, entry(name), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  let isRunning = true;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => {
      isRunning = false;
      resolve({ code, signal });
    });
  });
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
    lines.once('line', (line) => resolve(JSON.parse(line) as Record<string, unknown>));
    child.once('error', reject);
    void ended.then(({ code, signal }) =>
      reject(new Error(`${name} ended (${code ?? signal}) before it was ready: ${complaints}`)),
    );
  });
  ready.catch(() => undefined);
  return {
    pid: child.pid ?? 0,
    ready,
    nextLine: (act) =>
      new Promise((resolve, reject) => {
        lines.once('line', (line) => resolve(JSON.parse(line) as Record<string, unknown>));
        void ended.then(() => reject(new Error(`${name} has ended: ${complaints}`)));
        act();
      }),
    ended,
    isRunning: () => isRunning,
    complaints: () => complaints,
    async stop() {
      if (!isRunning) return;
      child.kill('SIGTERM');
      // Shorter kills what is only slow on a busy machine, and its jobs outlive it; longer holds up a test that has failed.
      const insist = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await ended;
      clearTimeout(insist);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
