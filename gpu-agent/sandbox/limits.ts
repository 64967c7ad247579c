import { existsSync, readFileSync } from 'node:fs';
import { shellQuote } from '../runner/template.js';

/** Processes and threads of the job's user, everything else of that user included; a fork bomb ends there. */
const PROCESSES = 16_384;
/** The largest file that a job can write. */
const FILE_BYTES = 64 * 1024 ** 3;

/**
 * Puts resource limits before a command: no core dumps, no endless file, no endless processes (root is exempt from the last
 * by the kernel; the runner counts too). Address space is left alone: CUDA reserves far more of it than there is memory.
 */
export function limitedCommand(command: string): string {
  const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((path) => existsSync(path));
  if (!prlimit) return command;
  const processes = Math.min(PROCESSES, hardLimit('Max processes'));
  const bytes = Math.min(FILE_BYTES, hardLimit('Max file size'));
  return `exec ${prlimit} --core=0 --nproc=${processes} --fsize=${bytes} /bin/sh -c ${shellQuote(command)}`;
}

/** Raising a hard limit is not allowed, so ours is never above it. */
function hardLimit(name: string): number {
  try {
    const line = readFileSync('/proc/self/limits', 'utf8')
      .split('\n')
      .find((row) => row.startsWith(name));
    const value = Number(line?.slice(name.length).trim().split(/\s+/)[1]);
    return Number.isFinite(value) ? value : Number.MAX_SAFE_INTEGER;
  } catch {
    return Number.MAX_SAFE_INTEGER;
  }
}
