import { spawn } from 'node:child_process';
import { AppError, gitComplaint } from '@nightshift/protocol';

export interface GitOptions {
  cwd: string;
  stdin?: string;
  env?: Record<string, string>;
}
export interface GitResult {
  code: number;
  out: string;
  /** What `out` is read from. */
  bytes: Buffer;
  err: string;
}

/** What a hook or an editor set for another repository must not decide which one we work in. */
const INHERITED = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
];

/** Runs git, which can ask nobody and run no helper of an odd URL. @throws AppError `unavailable` when there is no git. */
export function tryGit(args: string[], { cwd, stdin, env }: GitOptions): Promise<GitResult> {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !INHERITED.includes(name)));
  const child = spawn('git', args, {
    cwd,
    env: {
      ...inherited,
      GIT_TERMINAL_PROMPT: '0',
      GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
      LC_ALL: 'C',
      ...env,
    },
    stdio: 'pipe',
  });
  const parts: Buffer[] = [];
  let err = '';
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  // Git may end before it has read everything; its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        new AppError('unavailable', `git could not be started in ${cwd}: ${error.message}`, {
          cause: error,
          hint: 'install git (2.30 or newer), and see that the folder exists',
        }),
      ),
    );
    child.once('close', (code) => {
      const bytes = Buffer.concat(parts);
      resolve({ code: code ?? -1, out: bytes.toString('utf8'), bytes, err });
    });
  });
}

/** Runs git and gives what it printed, without the last line break. @throws AppError `conflict` with what git said. */
export async function git(args: string[], options: GitOptions): Promise<string> {
  const { code, out, err } = await tryGit(args, options);
  if (code !== 0) {
    throw new AppError(
      'conflict',
      `git ${args[0]} failed in ${options.cwd}: ${gitComplaint(err) || `exit code ${code}`}`,
    );
  }
  return out.replace(/\n$/, '');
}
