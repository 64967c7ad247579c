import { spawn } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExitRecord, JobSpec } from '@nightshift/protocol';
import type { RunnerOptions } from '../runner/options.js';
import { runnerEntry } from '../connection/runner-pool.js';
import { proofKey, readSignedExit } from '../spool/exit-proof.js';
import { jobDir, type JobDir } from '../spool/job-dir.js';
import { temporaryFolder } from './temporary-folder.js';

export interface RanJob {
  exit: ExitRecord;
  log: Buffer;
  metrics: { name: string; value: number | string; step?: number }[];
  dir: JobDir;
  /** Highest resident memory of the runner, bytes; 0 where the system does not say. */
  peakRss: number;
}

/** Runs one job with a real runner process and waits for its end. `onStarted` gets the directory while it runs. */
export async function runOne(
  spec: JobSpec,
  over: {
    options?: Partial<RunnerOptions>;
    home?: string;
    onStarted?: (dir: JobDir) => void;
    env?: Record<string, string>;
    prepare?: (dir: JobDir) => void;
  } = {},
): Promise<RanJob> {
  const home = over.home ?? temporaryFolder('box');
  const dir = jobDir(join(home, 'jobs', spec.attemptId));
  mkdirSync(dir.path, { recursive: true });
  writeFileSync(dir.spec, JSON.stringify(spec));
  over.prepare?.(dir);
  const options: RunnerOptions = { ...testOptions(home), ...over.options };
  const child = spawn(process.execPath, [runnerEntry()], {
    stdio: ['pipe', 'ignore', 'pipe'],
    detached: true,
    env: { ...process.env, ...over.env },
  });
  const key = proofKey(home, spec);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.stdin.write(`${JSON.stringify({ dir: dir.path, options, proofKey: key })}\n`);
  over.onStarted?.(dir);
  let peakRss = 0;
  const watch = setInterval(() => (peakRss = Math.max(peakRss, residentPeak(child.pid ?? 0))), 50);
  child.stdin.end();
  await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  const exit = readSignedExit(dir.exit, key);
  if (!exit) throw new Error(`the runner left no exit record: ${complaints}`);
  return {
    exit,
    log: lstatSync(dir.log).isFile() ? readFileSync(dir.log) : Buffer.alloc(0), // a device may have no end
    metrics: readFileSync(dir.metrics, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RanJob['metrics'][number]),
    dir,
    peakRss,
  };
}

export function testOptions(home: string): RunnerOptions {
  return {
    home,
    slots: 1,
    logLimitBytes: 268_435_456,
    metricLimit: 100_000,
    memoryFloorBytes: null,
    diskFloorBytes: 1_048_576,
    telemetryMs: 5000,
    maxSourceFiles: 20_000,
    maxSourceBytes: 536_870_912,
    gpu: null,
    sandbox: { bwrap: null, problem: 'not asked for', isRequired: false, network: null, hide: [] },
  };
}

function residentPeak(pid: number): number {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return match ? Number(match[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}
