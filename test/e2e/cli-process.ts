import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// From source and from dist alike.
const bin = ['../../cli/bin/nightshift.js', '../../../cli/bin/nightshift.js']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path)) as string;

export interface CliResult {
  code: number | null;
  out: string;
  err: string;
}
export interface CliOptions {
  env?: Record<string, string | undefined>;
  cwd?: string;
  stdin?: string;
}

/** The real command, as a user starts it: nothing of the surrounding environment but PATH, and where temporary files go. */
export function startCli(args: string[], options: CliOptions = {}): ChildProcess {
  return spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, HOME: '/nonexistent', ...options.env },
    stdio: 'pipe',
  });
}

/** Runs the command to its end. */
export function runCli(args: string[], options: CliOptions = {}): Promise<CliResult> {
  const child = startCli(args, options);
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(options.stdin ?? '');
  return resultOf(child);
}

export function resultOf(child: ChildProcess): Promise<CliResult> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
}

/**
 * Holds until a running command has printed some text since this was called. It reads beside `resultOf`.
 * @throws when the command ends without it: nobody waits for what cannot come any more.
 */
export function printed(child: ChildProcess, wanted: string, on: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child[on]?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes(wanted)) resolve();
    });
    child.once('close', (code) =>
      reject(new Error(`the command ended with ${code} and never printed ${JSON.stringify(wanted)}: ${text}`)),
    );
  });
}

/** The first line that a running command prints. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let err = '';
    child.stderr?.setEncoding('utf8').on('data', (part: string) => (err += part));
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('exit', (code) => reject(new Error(`the command ended with ${code} before its first line: ${err}`)));
  });
}
