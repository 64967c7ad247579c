import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';

const run = promisify(execFile);
// `ps` prints start times in the caller's zone and language; two Nightshifts must read the same text.
const PS_ENV = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', TZ: 'UTC', LC_ALL: 'C' };

/**
 * What tells a process from a later one with the same pid: on Linux the boot and the start time in clock ticks, elsewhere
 * the start time in seconds. Undefined when no such process runs; a zombie counts as gone.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return psIdentity(pid);
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in parentheses and may contain spaces and parentheses itself: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0];
    if (state === 'Z' || state === 'X') return undefined;
    return `${bootId()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

async function psIdentity(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env: PS_ENV });
    const [state = '', ...start] = stdout.trim().split(/\s+/);
    return state === '' || state.startsWith('Z') ? undefined : start.join(' ');
  } catch {
    return undefined;
  }
}

/** Whether `pid` runs a program that was started with `path` among its arguments, or works in that directory. */
export async function processUses(pid: number, path: string): Promise<boolean> {
  if (process.platform === 'linux') {
    const [args, cwd] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
      readlink(`/proc/${pid}/cwd`).catch(() => ''),
    ]);
    return cwd === path || args.split('\0').includes(path);
  }
  const { stdout } = await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { env: PS_ENV }).catch(() => ({
    stdout: '',
  }));
  return stdout.includes(path);
}

/** Names the set of processes that this one can see: pids of another host or container mean nothing here. */
export function processNamespace(): string {
  try {
    return `${bootId()}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

let boot: string | undefined;
function bootId(): string {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
}
