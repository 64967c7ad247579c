import { isDead } from './identity.js';
import { listProcesses, readProc, type ProcessRow } from './table.js';

/** The environment variable that every process of a job inherits: how escapees (setsid, double fork) are found again. */
export const JOB_MARKER = 'NIGHTSHIFT_JOB';

export interface JobTraces {
  attemptId: string;
  /** Session ids of the terminals that the job was given. */
  sessions: ReadonlySet<number>;
  /** Processes seen as descendants while the job ran, by pid with their start time. */
  known: ReadonlyMap<number, string>;
  /** No process of the job is older than this, in clock ticks since boot: older ones are not searched. 0: search all. */
  sinceTicks: number;
}

/**
 * Every living process of a job: those that carry its marker, sit in its terminal's session, were seen as its
 * descendants before, or descend from one of these. The caller itself is never among them.
 */
export function findJobProcesses(traces: JobTraces, rows: ProcessRow[] = listProcesses()): ProcessRow[] {
  const marker = Buffer.from(`${JOB_MARKER}=${traces.attemptId}\0`);
  const living = rows.filter(
    (row) => row.pid > 1 && row.pid !== process.pid && !isDead(row.state) && row.startTicks >= traces.sinceTicks,
  );
  const found = new Map<number, ProcessRow>();
  for (const row of living) {
    const isKnown = traces.known.get(row.pid) === row.startTime;
    if (isKnown || traces.sessions.has(row.sid) || carries(row.pid, marker)) found.set(row.pid, row);
  }
  for (let grew = found.size > 0; grew;) {
    grew = false;
    for (const row of living) {
      if (found.has(row.ppid) && !found.has(row.pid)) {
        found.set(row.pid, row);
        grew = true;
      }
    }
  }
  return [...found.values()];
}

function carries(pid: number, marker: Buffer): boolean {
  const environment = process.platform === 'linux' ? readProc(`/proc/${pid}/environ`) : null;
  if (!environment) return false;
  for (let at = environment.indexOf(marker); at >= 0; at = environment.indexOf(marker, at + 1))
    if (at === 0 || environment[at - 1] === 0) return true;
  return false;
}
