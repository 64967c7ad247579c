import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { JOB_MARKER } from '../process/job-processes.js';
import { readProc, readProcess } from '../process/table.js';
import type { BoxPolicy } from '../policy.js';
import { readComputePids } from '../telemetry/nvidia-smi.js';

/** Somebody else's process that computes on a GPU of this box. */
export interface Occupant {
  pid: number;
  program: string;
}

/** How long a box waits for its GPU when its owner's policy says nothing: a kernel that was killed needs a few seconds to let go. */
const WAIT_SECONDS = 30;
const POLL_MS = 1000;

/**
 * Whether the pids that the driver tells are pids here. In most containers they are not: there the driver lists nothing, or strangers.
 * The kernel's own thread 2 is seen by its name only from the host's process table.
 */
export function seesHostPids(): boolean {
  return process.platform === 'linux' && readProc('/proc/2/comm')?.toString('latin1').trim() === 'kthreadd';
}

/**
 * Who computes on the GPUs besides our jobs and whom the owner lets; `hung` when nvidia-smi did not answer. Nobody where the owner has
 * switched the check off or where pids mean nothing.
 */
export async function findOccupants(policy: BoxPolicy, command?: string): Promise<Occupant[] | 'hung'> {
  if (policy.occupancy?.check === false || !seesHostPids()) return [];
  const pids = await readComputePids(command);
  if (pids === 'hung') return 'hung';
  return pids.flatMap((pid) => {
    const program = programOf(pid);
    if (program === null || isOurs(pid)) return [];
    const isAllowed = policy.occupancy?.allow?.some((name) => name === program) ?? false;
    return isAllowed ? [] : [{ pid, program }];
  });
}

/** Waits until the GPUs are free, as long as the owner's policy says; gives who still was there at the end. */
export async function waitForGpu(
  policy: BoxPolicy,
  isWanted: () => boolean,
  find: typeof findOccupants = findOccupants,
): Promise<Occupant[] | 'hung'> {
  const deadline = performance.now() + (policy.occupancy?.waitSeconds ?? WAIT_SECONDS) * 1000;
  for (;;) {
    const occupants = await find(policy);
    if (occupants === 'hung' || occupants.length === 0 || performance.now() >= deadline || !isWanted())
      return occupants;
    await delay(POLL_MS);
  }
}

export function occupantsText(occupants: readonly Occupant[]): string {
  const named = occupants.slice(0, 5).map(({ pid, program }) => `${program} (pid ${pid})`);
  const more = occupants.length > 5 ? ` and ${occupants.length - 5} more` : '';
  return `the GPU is used by ${named.join(', ')}${more}`;
}

/** The program's name; null when there is no such process here. */
function programOf(pid: number): string | null {
  const row = readProcess(pid);
  if (!row) return null;
  try {
    const [command = ''] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return (command.split('/').pop() || row.command).slice(0, 60);
  } catch {
    return row.command;
  }
}

// A job's process carries the marker, or descends from one that does. What cannot be read is another user's, and so not ours.
function isOurs(pid: number): boolean {
  for (let at = pid, steps = 0; at > 1 && steps < 64; steps++) {
    const environment = readProc(`/proc/${at}/environ`);
    if (environment?.includes(`${JOB_MARKER}=`)) return true;
    at = readProcess(at)?.ppid ?? 0;
  }
  return false;
}
