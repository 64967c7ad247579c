import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { availableMemoryBytes } from '../telemetry/host.js';
import { EnergyMeter } from '../telemetry/energy.js';
import { readComputeApps, readGpus, type GpuReading } from '../telemetry/nvidia-smi.js';
import { gpuFigures } from '../telemetry/gpu-figures.js';
import type { GpuRow } from '../telemetry/parse-nvidia-smi.js';
import { toTelemetry } from '../telemetry/sample.js';
import { readProcess } from '../process/table.js';
import type { StopSignal } from './stop-signal.js';

/** How often free memory and the disk are read: a job that eats 10 GB a second leaves little time on a 128 GB box. */
const GUARD_MS = 1000;
const FIRST_SAMPLE_MS = 500;
/** Readings of a busy GPU that the medians are made of. */
const BUSY_SAMPLES = 20_000;
/** Telemetry kept for one job: more than eleven hours at one sample in five seconds. */
const TELEMETRY_LIMIT_BYTES = 4_194_304;

export interface JobWatch {
  energyWh(): number | null;
  peakMemoryBytes(): number | null;
  /** Median clock and power of the GPU while it was busy, and whether it was stuck in a low-power state. */
  gpuFigures(): Record<string, string>;
  stop(): void;
}
export interface WatchInput {
  home: string;
  attemptId: string;
  telemetryPath: string;
  telemetryMs: number;
  memoryFloorBytes: number | null;
  /** Processes seen as descendants of the terminals' leaders; filled here, used when they are hunted. */
  known: Map<number, string>;
  sessions: ReadonlySet<number>;
  stop: StopSignal;
  /** Without a GPU nvidia-smi is not asked. */
  hasGpu: boolean;
  /** Code mode: a job with more processes than this is ended; null: no bound. */
  maxProcesses: number | null;
  /** Reads the disk; says why the job must end, or null. */
  lookAtDisk: () => string | null;
  readAvailable?: () => number | null;
}

/** While a job runs: ends it before memory or the disk does, samples telemetry, adds up energy, and remembers its processes. */
export function watchJob(input: WatchInput): JobWatch {
  const meter = new EnergyMeter(Date.now());
  let peak: number | null = null;
  const busy: GpuRow[] = [];
  let isSampling = false;
  let isStopped = false;
  let hasGpu = input.hasGpu;

  const guard = setInterval(() => {
    const { bytes: rss, processes } = remember(input.sessions, input.known);
    if (input.maxProcesses !== null && processes > input.maxProcesses)
      input.stop.request({
        kind: 'oom_guard',
        detail: `the job had more than ${input.maxProcesses} processes at a time: it was ended before the host froze`,
      });
    if (!hasGpu && rss !== null) peak = Math.max(peak ?? 0, rss);
    const available = (input.readAvailable ?? availableMemoryBytes)();
    if (input.memoryFloorBytes !== null && available !== null && available < input.memoryFloorBytes)
      input.stop.request({
        kind: 'oom_guard',
        detail: `only ${mebibytes(available)} of memory were left on the box (floor ${mebibytes(input.memoryFloorBytes)}): the job was ended before the host froze`,
      });
    const short = input.lookAtDisk();
    if (short !== null) input.stop.request({ kind: 'disk_full', detail: short });
  }, GUARD_MS);

  const sample = async () => {
    if (isSampling) return;
    isSampling = true;
    try {
      const reading: GpuReading = input.hasGpu ? await readGpus() : { status: 'absent' };
      if (isStopped) return;
      hasGpu = reading.status === 'ok' && reading.gpus.length > 0;
      const gpus = reading.status === 'ok' ? reading.gpus : [];
      if (busy.length < BUSY_SAMPLES) busy.push(...gpus.filter((gpu) => (gpu.utilization ?? 0) > 50));
      const watts = gpus.filter((gpu) => gpu.powerWatts !== null).reduce((sum, gpu) => sum + (gpu.powerWatts ?? 0), 0);
      meter.add(Date.now(), gpus.some((gpu) => gpu.powerWatts !== null) ? watts : null);
      appendBounded(input.telemetryPath, `${JSON.stringify(toTelemetry(reading, input.home, input.attemptId))}\n`);
      if (hasGpu) {
        const apps = await readComputeApps();
        const own = [...apps].filter(([pid]) => input.known.has(pid)).reduce((sum, [, bytes]) => sum + bytes, 0);
        const used = gpus.reduce((sum, gpu) => sum + (gpu.memoryUsedBytes ?? 0), 0);
        const bytes = own > 0 ? own : used;
        if (bytes > 0) peak = Math.max(peak ?? 0, bytes);
      }
    } finally {
      isSampling = false;
    }
  };
  const timer = setInterval(() => void sample(), input.telemetryMs);
  // The first reading waits until the job has started: starting a process holds this one up for milliseconds.
  const first = setTimeout(() => void sample(), FIRST_SAMPLE_MS);

  return {
    energyWh: () => meter.total(Date.now()),
    peakMemoryBytes: () => peak,
    gpuFigures: () => gpuFigures(busy),
    stop: () => {
      isStopped = true;
      clearInterval(guard);
      clearInterval(timer);
      clearTimeout(first);
    },
  };
}

/** Walks the job's process tree by the kernel's child lists; returns how many there are and the resident bytes of all, null where there are none. */
function remember(roots: ReadonlySet<number>, known: Map<number, string>): { bytes: number | null; processes: number } {
  if (process.platform !== 'linux') return { bytes: null, processes: 0 };
  let bytes: number | null = null;
  const queue = [...roots];
  for (let at = 0; at < queue.length && at < 5000; at++) {
    const pid = queue[at] as number;
    const row = readProcess(pid);
    if (!row) continue;
    known.set(pid, row.startTime);
    try {
      bytes = (bytes ?? 0) + Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * 4096;
      for (const task of readdirSync(`/proc/${pid}/task`))
        for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' '))
          if (child) queue.push(Number(child));
    } catch {
      // it ended in between, or this kernel keeps no child lists
    }
  }
  return { bytes, processes: queue.length };
}

function appendBounded(path: string, line: string): void {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < TELEMETRY_LIMIT_BYTES)
      appendFileSync(path, line, { mode: 0o600 });
  } catch {
    // telemetry is never worth a job
  }
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}
