import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';

export interface ProcessRow {
  pid: number;
  ppid: number;
  pgid: number;
  sid: number;
  /** The kernel's one-letter state; Z is a zombie: dead, only not yet reaped. */
  state: string;
  command: string;
  /** Tells two holders of one pid apart: boot id and clock ticks on Linux, start date elsewhere. */
  startTime: string;
  /** Clock ticks between boot and its start; 0 where the system does not give them. */
  startTicks: number;
}

let boot: string | undefined;
/** Tells one start of this machine from another. */
export function bootId(): string {
  try {
    boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().slice(0, 8);
  } catch {
    boot = 'boot';
  }
  return boot;
}

/** One row of the process table; null when there is no such process. */
export function readProcess(pid: number): ProcessRow | null {
  return process.platform === 'linux' ? readLinux(pid) : (readPs(['-p', String(pid)])[0] ?? null);
}

/** Every process that this user can see. */
export function listProcesses(): ProcessRow[] {
  if (process.platform !== 'linux') return readPs(['-ax']);
  const rows: ProcessRow[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const row = Number.isInteger(pid) ? readLinux(pid) : null;
    if (row) rows.push(row);
  }
  return rows;
}

const scratch = Buffer.allocUnsafe(262_144);

/** A file of /proc in one read, which is what its size of 0 asks for; null when the process is gone or not ours. Valid until the next call. */
export function readProc(path: string): Buffer | null {
  try {
    const fd = openSync(path, 'r');
    try {
      return scratch.subarray(0, readSync(fd, scratch, 0, scratch.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
}

/** This moment in the clock ticks of `startTicks` (100 a second on every Linux that Node runs on); 0 elsewhere. */
export function nowTicks(): number {
  const uptime = process.platform === 'linux' ? readProc('/proc/uptime')?.toString('latin1') : undefined;
  return uptime ? Math.floor(Number(uptime.split(' ')[0]) * 100) : 0;
}

function readLinux(pid: number): ProcessRow | null {
  const stat = readProc(`/proc/${pid}/stat`)?.toString('latin1');
  if (!stat) return null;
  // The command may hold spaces and parentheses: the fields start after the last one.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  return {
    pid,
    command: stat.slice(stat.indexOf('(') + 1, end),
    state: fields[0] ?? '?',
    ppid: Number(fields[1]),
    pgid: Number(fields[2]),
    sid: Number(fields[3]),
    startTime: `${bootId()}:${fields[19] ?? ''}`,
    startTicks: Number(fields[19]) || 0,
  };
}

const PS_LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/;

function readPs(which: string[]): ProcessRow[] {
  let text: string;
  try {
    text = execFileSync('ps', [...which, '-o', 'pid=,ppid=,pgid=,state=,lstart=,comm='], {
      encoding: 'utf8',
      timeout: 5000,
      env: { PATH: process.env['PATH'] ?? '/bin:/usr/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const match = PS_LINE.exec(line);
    if (!match) return [];
    const [, pid, ppid, pgid, state, startTime, command] = match as unknown as string[];
    // ps of macOS does not give session ids: the group stands in for it, and the tree of parents for the rest.
    return [
      {
        pid: Number(pid),
        ppid: Number(ppid),
        pgid: Number(pgid),
        sid: Number(pgid),
        state: state?.[0] ?? '?',
        command: command?.split('/').pop() ?? '',
        startTime: startTime ?? '',
        startTicks: 0,
      },
    ];
  });
}
