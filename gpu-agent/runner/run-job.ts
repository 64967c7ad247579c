// Long because it is one story: everything that happens between the claim of a job and its exit record.
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { toWireNumber, type ExitRecord, type JobPhase, type JobSpec, type PhaseResult } from '@nightshift/protocol';
import { parseMetricLine, type MetricPoint } from '@nightshift/protocol/metrics';
import { identityOf } from '../process/identity.js';
import { nowTicks } from '../process/table.js';
import type { JobTraces } from '../process/job-processes.js';
import { sweep, type SweepResult } from '../process/sweep.js';
import { writeAtomic, writeOnce } from '../spool/atomic.js';
import { signExit } from '../spool/exit-proof.js';
import { jobDir } from '../spool/job-dir.js';
import { diskSpace, kernelOomKills } from '../telemetry/host.js';
import { copyTree } from '../workspace/copy-tree.js';
import { findVenv, holdToVenv, venvHint, withVenv } from '../workspace/interpreter.js';
import { prepareWorkspace } from '../workspace/prepare.js';
import { SourceError } from '../workspace/source-error.js';
import { blameDisk, cacheFolders, lyingSpace } from './blame-disk.js';
import { classifyMetric, classifyPhase, type Ending } from './classify.js';
import { CodeJob, discard } from './code-job.js';
import { openControlSocket } from './control-socket.js';
import { DiskUse } from './disk-use.js';
import { jobEnvironment } from './environment.js';
import { watchCancel } from './inbox.js';
import { LineSplitter } from './line-splitter.js';
import { LogFile } from './log-file.js';
import { MetricLog } from './metric-log.js';
import type { RunnerTask } from './options.js';
import { runPhase, type PhaseOutcome } from './phase.js';
import { ReportedFile } from './reported-file.js';
import { StopSignal } from './stop-signal.js';
import { waitForMemory } from './memory-gate.js';
import { fillTemplate } from './template.js';
import { watchJob } from './watch-job.js';

/** Kept free in the job's directory, so that the account of a full disk can still be written. */
const RESERVE_BYTES = 65_536;
/** Processes of one job of edited code; data loaders of a large box are some hundreds. */
const MAX_PROCESSES = 4096;
/** A probe that does not end at INT has shown what it was to show: it is not waited for as long as a training with a checkpoint. */
const PROBE_GRACE_MS = 2000;
/** Metrics whose last values the account of the end holds; more are a list, not figures to guard. */
const REPORTED_NAMES = 200;
/** Ends of a job that data which is not there can explain. */
const FAILED: ReadonlySet<Ending['reason']> = new Set(['crash', 'no_metric', 'evaluator_failed']);
/** Two seconds: what the kernel's two clocks may differ by. */
const CLOCK_MARGIN_TICKS = 200;

/**
 * Runs the job of a directory to its end and writes `exit.json` last, when nothing of it runs any more.
 * Returns false when another runner has claimed the directory. Never throws for what a job does.
 */
export async function runJob({ dir: path, options, proofKey }: RunnerTask, shutdown: StopSignal): Promise<boolean> {
  const dir = jobDir(path);
  const spec = JSON.parse(readFileSync(dir.spec, 'utf8')) as JobSpec;
  const control = await openControlSocket(spec.attemptId);
  const claim = { ...identityOf(process.pid), socket: control.path, startedAt: new Date().toISOString() };
  if (!writeOnce(dir.runner, JSON.stringify(claim))) {
    control.close();
    return false;
  }
  const disk = new DiskUse(
    { job: dir.path, temporary: spec.edit && options.sandbox.bwrap ? null : tmpdir() },
    options.diskFloorBytes,
    diskSpace,
    spec.edit && options.sandbox.bwrap ? [] : cacheFolders(options.home, { ...process.env, ...spec.env }),
  );
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
    maxProcesses: spec.edit ? MAX_PROCESSES : null,
    lookAtDisk: () => disk.look(),
  });
  const code = spec.edit ? new CodeJob(spec, spec.edit, dir, options, (text) => log.note(text)) : null;
  const oomBefore = kernelOomKills();
  const phases: PhaseResult[] = [];
  let killedDescendants = 0;
  let lastSweep: SweepResult | null = null;
  let fingerprint: Record<string, string> = {};
  let tail = '';

  let venv: string | null = null;
  let isGone = false;
  let hasBegun = false;
  const temporaries: string[] = [];
  const classify = (ended: Omit<PhaseOutcome, 'swept'>, budgetMs: number) =>
    classifyPhase({
      ...ended,
      metric: metrics.last(spec.metric.name),
      tail,
      isDiskShort: disk.isShort,
      isKernelOom: (kernelOomKills() ?? 0) > (oomBefore ?? 0),
      metricName: spec.metric.name,
      budgetMs,
      limitMs: spec.limitMs,
      isCode: code !== null,
    });

  /** One command from its start to the proof that nothing of it runs, its output in the log. */
  const command = async (
    name: JobPhase,
    input: { command: string; cwd: string; budgetMs: number | null; graceMs: number; metricsPath: string },
    onData: (bytes: Buffer) => void,
  ): Promise<PhaseOutcome> => {
    const { metricsPath, cwd } = input;
    const env = withVenv(
      jobEnvironment({
        spec: { ...spec, budgetMs: name === 'train' ? (input.budgetMs ?? spec.budgetMs) : spec.budgetMs },
        base: process.env,
        configPath: dir.config,
        metricsPath,
        isGb10: /\bGB10\b/.test(options.gpu?.name ?? ''),
      }),
      name === 'setup' ? null : venv,
      spec,
    );
    const plain = { command: fillTemplate(input.command, spec.config), cwd, env };
    const confined = code?.confine(name, { ...plain, metricsPath });
    const printed = log.bytes + log.dropped;
    const outcome = await runPhase({
      ...plain,
      ...(confined && { command: confined.command, env: confined.env }),
      phase: name,
      budgetMs: input.budgetMs,
      graceMs: input.graceMs,
      stop,
      traces,
      onData: (bytes) => {
        log.append(bytes);
        onData(bytes);
      },
      onTerminal: (terminal) => control.attach(terminal),
    });
    disk.look();
    disk.lookAtCaches();
    // On a full disk its own temporary folder is counted first.
    if (confined?.tmp && disk.isShort) temporaries.push(confined.tmp);
    else confined?.done();
    killedDescendants += outcome.swept.killed;
    lastSweep = outcome.swept;
    const all = log.tail;
    tail = all.subarray(Math.max(0, all.length - (log.bytes + log.dropped - printed))).toString('utf8');
    return outcome;
  };

  const phase = async (name: JobPhase, words: string, cwd: string): Promise<Ending | null> => {
    appendFileSync(dir.phases, `${JSON.stringify({ phase: name, at: new Date().toISOString() })}\n`);
    const metricsPath = `${dir.path}/reported-${name}.jsonl`;
    const splitter = new LineSplitter((line) => line.includes(':') && gather(parseMetricLine(line)));
    let gathered: MetricPoint[] = [];
    const gather = (points: MetricPoint[]) => gathered.push(...points);
    metrics.forget();
    const reported = new ReportedFile(metricsPath, (points) => metrics.add(points));
    const budgetMs = name === 'train' ? spec.budgetMs : null;
    const outcome = await command(
      name,
      { command: words, cwd, budgetMs, graceMs: spec.graceMs, metricsPath },
      (bytes) => {
        splitter.push(bytes);
        if (gathered.length > 0) {
          metrics.add(gathered);
          gathered = [];
        }
      },
    );
    splitter.flush();
    metrics.add(gathered);
    reported.close();
    phases.push(outcome.result);
    return classify(outcome, spec.budgetMs);
  };

  /** A short run in a copy that is thrown away: a slip shows in seconds, before the budget is spent. Its numbers are nobody's. */
  const probe = async (probeMs: number): Promise<Ending | null> => {
    log.note(`probe: training for ${probeMs / 1000} s, to see that it starts`);
    discard(dir.probe);
    copyTree(dir.work, dir.probe);
    const metricsPath = `${dir.path}/reported-probe.jsonl`;
    writeFileSync(metricsPath, '', { mode: 0o600 });
    const graceMs = Math.min(spec.graceMs, PROBE_GRACE_MS);
    const outcome = await command(
      'train',
      { command: spec.train, cwd: dir.probe, budgetMs: probeMs, graceMs, metricsPath },
      () => {},
    );
    discard(dir.probe);
    rmSync(metricsPath, { recursive: true, force: true });
    // Our own clock ended it: it was running, which is all that was asked.
    if (outcome.result.clock === 'budget' && !outcome.stoppedFor) return null;
    const ending = classify(outcome, probeMs);
    if (ending) return outcome.stoppedFor ? ending : { ...ending, detail: `probe: ${ending.detail}` };
    log.note('probe: it ended by itself; the full budget begins');
    return null;
  };

  /** Code mode between training and evaluation: nothing of it runs, nothing was tampered with, its artifacts are handed over. */
  const seal = (job: CodeJob, trained: Ending | null): Ending | null => {
    if (stop.cause) return trained;
    const found = job.tampering();
    if (found) return found;
    if (trained || spec.evaluate === null) return trained;
    if (lastSweep && lastSweep.left.length > 0)
      return { reason: 'internal_error', detail: 'processes of the training survived KILL: nothing was evaluated' };
    return job.handOver();
  };

  const wholeJob = async (): Promise<Ending> => {
    writeFileSync(dir.config, JSON.stringify(spec.config), { mode: 0o600 });
    if (code?.refusal) return code.refusal;
    const abort = new AbortController();
    const unsubscribe = stop.onRequest(() => abort.abort());
    let setupEnding: Ending | null = null;
    try {
      const workspace = await prepareWorkspace({
        spec,
        home: options.home,
        work: dir.work,
        evaluation: dir.evaluation,
        limits: { maxFiles: options.maxSourceFiles, maxBytes: options.maxSourceBytes },
        signal: abort.signal,
        runSetup: async (cwd) => {
          setupEnding = await phase('setup', spec.setup ?? '', cwd);
          return setupEnding === null;
        },
        onSource: (facts) => {
          writeAtomic(dir.source, JSON.stringify(facts));
        },
      });
      fingerprint = { ...workspace.fingerprint, ...code?.fingerprint };
      if (workspace.changed !== null) {
        log.note(
          `the source folder has changed (${workspace.changed}): this run goes on with it as it was when it began`,
        );
        fingerprint['sourceFolder'] = `changed: ${workspace.changed}`.slice(0, 500);
      }
      if (!workspace.isReady && setupEnding) return setupEnding;
      venv = findVenv(spec, dir.work);
      isGone = workspace.isGone;
      holdToVenv(options.home, spec.runId, venv, isGone);
      const hint = venvHint(spec, dir.work, venv, code?.isSandboxed ?? false);
      if (hint) log.note(hint);
      const unfit = code?.begin(workspace, venv);
      if (unfit) return unfit;
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
    disk.begin('training', (device) => lyingSpace(dir, device));
    hasBegun = true;
    if (spec.probeMs) {
      const probed = await probe(spec.probeMs);
      if (probed) return (stop.cause ? null : code?.tampering()) ?? probed;
    }
    const ended = await phase('train', spec.train, dir.work);
    const trained = code ? seal(code, ended) : ended;
    if (trained) return trained;
    if (spec.evaluate !== null) {
      const evaluated = await phase('evaluate', spec.evaluate, code ? dir.evaluation : dir.work);
      if (evaluated) return code ? code.blame(evaluated, 'crash') : evaluated;
    }
    const measured = classifyMetric(
      metrics.last(spec.metric.name),
      spec.metric,
      spec.evaluate !== null,
      tail,
      code !== null,
    );
    if (code && spec.evaluate !== null && measured.reason === 'completed') return code.evaluated() ?? measured;
    return code ? code.blame(measured, 'no_metric') : measured;
  };

  let ending: Ending;
  try {
    ending = await wholeJob();
    // No evidence against a candidate: it may have wanted data from there.
    if (spec.source.kind === 'path' && FAILED.has(ending.reason) && (isGone || !existsSync(spec.source.path)))
      ending = {
        reason: 'source_unavailable',
        detail: `the source folder ${spec.source.path} was gone, and the job failed: ${ending.detail}`.slice(0, 4000),
      };
  } catch (error) {
    ending = {
      reason: (error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'disk_full' : 'internal_error',
      detail: `the runner failed: ${error instanceof Error ? error.message : String(error)}`.slice(0, 2000),
    };
  }
  clearTimeout(limit);
  forget();
  unwatch();
  watched.stop();
  control.close();
  if (code && !stop.cause && ending.reason === 'completed') ending = code.forgery() ?? ending;
  // The proof is a whole scan that finds nothing of the job: the one that ended the last phase, if it found nothing.
  const left = await proveEnd(lastSweep, traces);
  ending = blameDisk(ending, {
    disk,
    dir,
    home: options.home,
    temporaries,
    isAlone: options.slots === 1,
    part: hasBegun ? 'train' : phases.length > 0 ? 'setup' : 'workspace',
    env: code?.isSandboxed ? null : { ...process.env, ...spec.env },
  });
  temporaries.forEach(discard);
  const last = phases.at(-1);
  const value = metrics.last(spec.metric.name);
  const isMeasured =
    ending.reason !== 'cheated' &&
    ending.reason !== 'sealed_files_changed' &&
    value !== undefined &&
    last !== undefined &&
    last.phase === (spec.evaluate === null ? 'train' : 'evaluate');
  const reported = Object.fromEntries(
    metrics.lastValues(REPORTED_NAMES).map(([name, number]) => [name, toWireNumber(number)]),
  ) as NonNullable<ExitRecord['reported']>;
  if (metrics.dropped > 0)
    log.note(`${metrics.dropped} metric points beyond the limit of ${options.metricLimit} were not kept`);
  metrics.close(spec.metric.name);
  log.close();
  rmSync(dir.reserve, { force: true });
  const record: ExitRecord = {
    ...ending,
    exitCode: last?.exitCode ?? null,
    signal: last?.signal ?? null,
    metric: isMeasured ? (toWireNumber(value) as ExitRecord['metric']) : null,
    // From memory and signed with the rest: guards must not hang on a file that the job's user can write.
    ...(isMeasured && { reported }),
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
  // A folder in its place could not be renamed over.
  if (code && existsSync(dir.exit)) discard(dir.exit);
  writeAtomic(dir.exit, signExit(record, proofKey));
  return true;
}

function stopBeforeTraining(cause: NonNullable<StopSignal['cause']>, limitMs: number): Ending {
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
