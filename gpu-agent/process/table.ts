import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

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
}

let boot: string | undefined;
function bootId(): string {
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

function readLinux(pid: number): ProcessRow | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
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
      },
    ];
  });
}
