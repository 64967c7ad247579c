import { execFile } from 'node:child_process';
import { GPU_FIELDS, isDriverMismatch, parseComputeApps, parseGpuRows, type GpuRow } from './parse-nvidia-smi.js';

/** nvidia-smi hangs, rather than fails, when the driver is wedged: it is killed after this and nobody waits for it. */
const TIMEOUT_MS = 5000;

export type GpuReading =
  | { status: 'ok'; gpus: GpuRow[] }
  | { status: 'absent' }
  | { status: 'hung' }
  | { status: 'mismatch'; detail: string }
  | { status: 'failed'; detail: string };

/** Asks nvidia-smi for every GPU. Never throws, never takes longer than five seconds. */
export async function readGpus(command = 'nvidia-smi'): Promise<GpuReading> {
  const run = await runSmi(command, [`--query-gpu=${GPU_FIELDS.join(',')}`, '--format=csv,noheader,nounits']);
  if (run.isMissing) return { status: 'absent' };
  if (run.isTimedOut) return { status: 'hung' };
  if (isDriverMismatch(run.output)) return { status: 'mismatch', detail: run.output.trim().slice(0, 300) };
  if (run.code !== 0) return { status: 'failed', detail: run.output.trim().slice(0, 300) };
  return { status: 'ok', gpus: parseGpuRows(run.output) };
}

/** GPU memory by pid. Empty inside most containers, where the driver's pids are not ours. */
export async function readComputeApps(command = 'nvidia-smi'): Promise<Map<number, number>> {
  const run = await runSmi(command, ['--query-compute-apps=pid,used_memory', '--format=csv,noheader,nounits']);
  return run.code === 0 ? parseComputeApps(run.output) : new Map();
}

/**
 * Pids that compute on a GPU, with or without a figure for their memory; `hung` when nvidia-smi had to be killed. What it cannot tell is
 * nobody: whether it can be relied on is the health gate's business.
 */
export async function readComputePids(command = 'nvidia-smi'): Promise<number[] | 'hung'> {
  const run = await runSmi(command, ['--query-compute-apps=pid', '--format=csv,noheader']);
  if (run.isTimedOut) return 'hung';
  if (run.code !== 0) return [];
  const pids = run.output.split('\n').flatMap((line) => (/^\s*\d+\s*$/.test(line) ? [Number(line)] : []));
  return [...new Set(pids)];
}

interface SmiRun {
  code: number | null;
  output: string;
  isMissing: boolean;
  isTimedOut: boolean;
}

function runSmi(command: string, args: string[]): Promise<SmiRun> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: 1_048_576, encoding: 'utf8' },
      (error, stdout, stderr) => {
        clearTimeout(abandon);
        const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
        const isMissing = (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
        resolve({ code, output: stdout + (error ? stderr : ''), isMissing, isTimedOut: error?.killed === true });
      },
    );
    // In an uninterruptible driver call even KILL does not end it: it is left behind.
    const abandon = setTimeout(() => {
      child.unref();
      resolve({ code: null, output: '', isMissing: false, isTimedOut: true });
    }, TIMEOUT_MS + 500);
  });
}
