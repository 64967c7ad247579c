import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import type { ExitRecord, JobPhase, JobSpec, PhaseResult } from '@nightshift/protocol';
import { parseMetricLine, type MetricPoint } from '@nightshift/protocol/metrics';
import { identityOf } from '../process/identity.js';
import { nowTicks } from '../process/table.js';
import type { JobTraces } from '../process/job-processes.js';
import { sweep, type SweepResult } from '../process/sweep.js';
import { writeAtomic, writeOnce } from '../spool/atomic.js';
import { jobDir } from '../spool/job-dir.js';
import { kernelOomKills } from '../telemetry/host.js';
import { prepareWorkspace } from '../workspace/prepare.js';
import { SourceError } from '../workspace/source-error.js';
import { classifyMetric, classifyPhase, type Verdict } from './classify.js';
import { openControlSocket } from './control-socket.js';
import { jobEnvironment } from './environment.js';
import { watchCancel } from './inbox.js';
import { LineSplitter } from './line-splitter.js';
import { LogFile } from './log-file.js';
import { MetricLog } from './metric-log.js';
import type { RunnerTask } from './options.js';
import { runPhase } from './phase.js';
import { ReportedFile } from './reported-file.js';
import { StopSignal } from './stop-signal.js';
import { waitForMemory } from './memory-gate.js';
import { fillTemplate } from './template.js';
import { watchJob } from './watch-job.js';

/** Kept free in the job's directory, so that the account of a full disk can still be written. */
const RESERVE_BYTES = 65_536;
/** Two seconds: what the kernel's two clocks may differ by. */
const CLOCK_MARGIN_TICKS = 200;

// This file is long because it is one story: everything that happens between the claim of a job and its exit record.

/**
 * Runs the job of a directory to its end and writes `exit.json` last, when nothing of it runs any more.
 * Returns false when another runner has claimed the directory. Never throws for what a job does.
 */
export async function runJob({ dir: path, options }: RunnerTask, shutdown: StopSignal): Promise<boolean> {
  const dir = jobDir(path);
  const spec = JSON.parse(readFileSync(dir.spec, 'utf8')) as JobSpec;
  const control = await openControlSocket(spec.attemptId);
  const claim = { ...identityOf(process.pid), socket: control.path, startedAt: new Date().toISOString() };
  if (!writeOnce(dir.runner, JSON.stringify(claim))) {
    control.close();
    return false;
  }
  reserve(dir.reserve);

  const stop = new StopSignal();
  const startedAt = new Date();
  const begun = performance.now();
  const onDiskFull = (error: NodeJS.ErrnoException) => {
    rmSync(dir.reserve, { force: true });
    stop.request({
      kind: 'disk_full',
      detail: `the disk took no more of the job's output (${error.code ?? error.message})`,
    });
  };
  const log = new LogFile({ path: dir.log, limitBytes: options.logLimitBytes, onDiskFull });
  const metrics = new MetricLog(dir.metrics, options.metricLimit, onDiskFull);
  const limit = setTimeout(() => stop.request({ kind: 'limit' }), Math.min(spec.limitMs, 2 ** 31 - 1));
  const forget = shutdown.onRequest((cause) => stop.request(cause));
  const unwatch = watchCancel(dir.cancel, (detail) => stop.request({ kind: 'cancelled', detail }));
  const traces = {
    attemptId: spec.attemptId,
    sessions: new Set<number>(),
    known: new Map<number, string>(),
    sinceTicks: Math.max(0, nowTicks() - CLOCK_MARGIN_TICKS),
  };
  const watched = watchJob({
    ...options,
    attemptId: spec.attemptId,
    telemetryPath: dir.telemetry,
    known: traces.known,
    sessions: traces.sessions,
    stop,
    hasGpu: options.gpu !== null,
  });
  const oomBefore = kernelOomKills();
  const phases: PhaseResult[] = [];
  let killedDescendants = 0;
  let lastSweep: SweepResult | null = null;
  let fingerprint: Record<string, string> = {};
  let tail = '';

  const phase = async (name: JobPhase, command: string, cwd: string): Promise<Verdict | null> => {
    appendFileSync(dir.phases, `${JSON.stringify({ phase: name, at: new Date().toISOString() })}\n`);
    const metricsPath = `${dir.path}/reported-${name}.jsonl`;
    const splitter = new LineSplitter((line) => line.includes(':') && gather(parseMetricLine(line)));
    let gathered: MetricPoint[] = [];
    const gather = (points: MetricPoint[]) => gathered.push(...points);
    metrics.forget();
    const reported = new ReportedFile(metricsPath, (points) => metrics.add(points));
    const { result, stoppedFor, swept } = await runPhase({
      phase: name,
      command: fillTemplate(command, spec.config),
      cwd,
      env: jobEnvironment({
        spec,
        base: process.env,
        configPath: dir.config,
        metricsPath,
        isGb10: /\bGB10\b/.test(options.gpu?.name ?? ''),
      }),
      budgetMs: name === 'train' ? spec.budgetMs : null,
      graceMs: spec.graceMs,
      stop,
      traces,
      onData: (bytes) => {
        log.append(bytes);
        splitter.push(bytes);
        if (gathered.length > 0) {
          metrics.add(gathered);
          gathered = [];
        }
      },
      onTerminal: (terminal) => control.attach(terminal),
    });
    splitter.flush();
    metrics.add(gathered);
    reported.close();
    phases.push(result);
    killedDescendants += swept.killed;
    lastSweep = swept;
    tail = log.tail.toString('utf8');
    return classifyPhase({
      result,
      stoppedFor,
      metric: metrics.last(spec.metric.name),
      tail,
      isKernelOom: (kernelOomKills() ?? 0) > (oomBefore ?? 0),
      metricName: spec.metric.name,
      budgetMs: spec.budgetMs,
      limitMs: spec.limitMs,
    });
  };

  const wholeJob = async (): Promise<Verdict> => {
    writeFileSync(dir.config, JSON.stringify(spec.config), { mode: 0o600 });
    const abort = new AbortController();
    const unsubscribe = stop.onRequest(() => abort.abort());
    let setupVerdict: Verdict | null = null;
    try {
      const workspace = await prepareWorkspace({
        spec,
        home: options.home,
        work: dir.work,
        limits: { maxFiles: options.maxSourceFiles, maxBytes: options.maxSourceBytes },
        signal: abort.signal,
        runSetup: async (cwd) => {
          setupVerdict = await phase('setup', spec.setup ?? '', cwd);
          return setupVerdict === null;
        },
      });
      fingerprint = workspace.fingerprint;
      if (!workspace.isReady && setupVerdict) return setupVerdict;
    } catch (error) {
      if (stop.cause) return stopBeforeTraining(stop.cause, spec.limitMs);
      if (error instanceof SourceError) {
        log.note(error.message);
        return { reason: error.reason, detail: error.message };
      }
      throw error;
    } finally {
      unsubscribe();
    }
    if (stop.cause) return stopBeforeTraining(stop.cause, spec.limitMs);
    const isRoomy = await waitForMemory(options.memoryFloorBytes, stop);
    if (stop.cause) return stopBeforeTraining(stop.cause, spec.limitMs);
    if (!isRoomy)
      return {
        reason: 'internal_error',
        detail: 'the memory of earlier work did not come back in time: training was not started',
      };
    const trained = await phase('train', spec.train, dir.work);
    if (trained) return trained;
    if (spec.evaluate !== null) {
      const evaluated = await phase('evaluate', spec.evaluate, dir.work);
      if (evaluated) return evaluated;
    }
    return classifyMetric(metrics.last(spec.metric.name), spec.metric, spec.evaluate !== null, tail);
  };

  let verdict: Verdict;
  try {
    verdict = await wholeJob();
  } catch (error) {
    verdict = {
      reason: 'internal_error',
      detail: `the runner failed: ${error instanceof Error ? error.message : String(error)}`.slice(0, 2000),
    };
  }
  clearTimeout(limit);
  forget();
  unwatch();
  watched.stop();
  control.close();
  // The proof is a whole scan that finds nothing of the job: the one that ended the last phase, if it found nothing.
  const left = await proveEnd(lastSweep, traces);
  const last = phases.at(-1);
  const value = metrics.last(spec.metric.name);
  const isMeasured =
    value !== undefined && last !== undefined && last.phase === (spec.evaluate === null ? 'train' : 'evaluate');
  if (metrics.dropped > 0)
    log.note(`${metrics.dropped} metric points beyond the limit of ${options.metricLimit} were not kept`);
  metrics.close(spec.metric.name);
  log.close();
  rmSync(dir.reserve, { force: true });
  const record: ExitRecord = {
    ...verdict,
    exitCode: last?.exitCode ?? null,
    signal: last?.signal ?? null,
    metric: isMeasured ? (Number.isFinite(value) ? value : (String(value) as ExitRecord['metric'])) : null,
    phases,
    startedAt: startedAt.toISOString(),
    endedAt: new Date(startedAt.getTime() + performance.now() - begun).toISOString(),
    logBytes: log.bytes,
    logBytesDropped: log.dropped,
    metricCount: metrics.count,
    leftPids: left.slice(0, 1000),
    killedDescendants,
    energyWh: watched.energyWh(),
    peakMemoryBytes: watched.peakMemoryBytes(),
    fingerprint: { ...fingerprint, ...boxFingerprint(options.gpu), ...watched.gpuFigures() },
  };
  writeAtomic(dir.exit, JSON.stringify(record));
  return true;
}

function stopBeforeTraining(cause: NonNullable<StopSignal['cause']>, limitMs: number): Verdict {
  if (cause.kind === 'limit')
    return {
      reason: 'setup_failed',
      detail: `the limit of ${limitMs / 1000} s for the whole job ran out before training began`,
    };
  return { reason: cause.kind, detail: cause.detail || cause.kind };
}

async function proveEnd(lastSweep: SweepResult | null, traces: JobTraces): Promise<number[]> {
  if (lastSweep?.left.length === 0) return [];
  return (await sweep(traces)).left.map((row) => row.pid);
}

function boxFingerprint(gpu: RunnerTask['options']['gpu']): Record<string, string> {
  return {
    hostname: hostname().slice(0, 255),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    ...(gpu && { gpu: gpu.name.slice(0, 200), driver: gpu.driver ?? 'unknown' }),
  };
}

function reserve(path: string): void {
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
  try {
    const fd = openSync(path, 'w', 0o600);
    try {
      writeSync(fd, Buffer.alloc(RESERVE_BYTES));
    } finally {
      closeSync(fd);
    }
  } catch {
    // no room even for this: the log's first write will say so
  }
}
