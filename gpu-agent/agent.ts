// Long because every frame of the control plane and every change of a job meets here; what each one does is in a file of its own.
import { mkdirSync, statSync, truncateSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import {
  AppError,
  HEARTBEAT_MS,
  PROTOCOL_VERSION,
  TELEMETRY_MS,
  type BoxFacts,
  type BoxHealth,
  type ControlFrame,
  type ControlFrameOf,
} from '@nightshift/protocol';
import type { AgentLog } from './agent-log.js';
import { Attachments } from './attach.js';
import { Link } from './connection/link.js';
import { Upload } from './connection/upload.js';
import { readCredentials } from './credentials.js';
import { Custody } from './custody.js';
import { Health } from './health/health.js';
import { judgeReading } from './health/judge.js';
import { findOccupants, occupantsText, waitForGpu } from './health/occupants.js';
import { readPolicy } from './policy.js';
import { releaseLock, takeLock } from './process/lock.js';
import type { RunnerOptions } from './runner/options.js';
import type { Attempt } from './spool/attempt.js';
import { factsOf, gpuFacts } from './telemetry/facts.js';
import { TelemetryFeed } from './telemetry/feed.js';
import { readGpus, type GpuReading } from './telemetry/nvidia-smi.js';

export interface AgentOptions {
  home: string;
  /** Base URL of the control plane; the one that the box was enrolled with when left out. */
  server?: string | undefined;
  /** Jobs at a time. */
  slots?: number | undefined;
  log: AgentLog;
  /** Stops the agent (and no job) when aborted. */
  signal?: AbortSignal | undefined;
  /** What runners, and through an allow-list jobs, see as their environment. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Free memory below which a job is ended; the default depends on the box's memory and GPU. */
  memoryFloorBytes?: number | null | undefined;
  /** Free on the disk before a job is taken; one that runs is ended below half of it. */
  minDiskFreeBytes?: number | undefined;
  logLimitBytes?: number | undefined;
  /** False runs edited code as on a box without a sandbox (the owner's policy still decides); true when left out. */
  hasSandbox?: boolean | undefined;
}
export interface AgentState {
  connection: 'connecting' | 'online' | 'rejected' | 'stopped';
  /** Why the control plane will not have this box, when it will not. */
  problem: string | null;
  boxId: string;
  attempts: { attemptId: string; state: 'preparing' | 'running' | 'ended'; logBytes: number }[];
  dirty: number[];
  health: BoxHealth;
  freeSlots: number;
}
export interface Agent {
  /** Leaves the control plane. Jobs go on running, and the next agent of this home adopts them. */
  stop(): Promise<void>;
  state(): AgentState;
  /** Settles when the agent has stopped, by request or because the control plane will not have it. */
  done: Promise<AgentState>;
}

/** After a failure to read a job's files. */
const RETRY_MS = 2000;
/** Attempts in one hello, which has to fit into a frame. */
const HELLO_ATTEMPTS = 500;
/** Less, and a job hardly begins before it is ended; more, and boxes with small disks get none. */
const MIN_DISK_FREE_BYTES = 268_435_456;
/** The runners' own complaints, kept for this long. */
const RUNNER_LOG_BYTES = 4_194_304;

/**
 * Starts the agent of a home: adopts its jobs, connects, and reconciles until it is stopped.
 * @throws AppError `config_invalid` (not enrolled), `conflict` (another agent serves this home).
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { home, log } = options;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const credentials = readCredentials(home);
  const lock = join(home, 'agent.lock');
  const holder = takeLock(lock);
  if (holder)
    throw new AppError('conflict', `another agent (process ${holder.pid}) serves ${home}`, {
      hint: 'stop it, or give this one a home of its own with --home',
    });
  try {
    const reading = await readGpus();
    return new RunningAgent(options, credentials, reading, () => {
      releaseLock(lock);
    });
  } catch (error) {
    releaseLock(lock);
    log.error({ err: error }, 'the agent could not start');
    throw error;
  }
}

// Long because it is the one place where frames, files and clocks meet. Socket and file events set a fact and wake a pump.
class RunningAgent implements Agent {
  readonly done: Promise<AgentState>;
  readonly #custody: Custody;
  readonly #link: Link;
  readonly #uploads = new Map<string, Upload>();
  readonly #attachments: Attachments;
  readonly #telemetry: TelemetryFeed;
  readonly #health: Health;
  readonly #runner: ReturnType<typeof runnerOptions>;
  /** Offers that wait for the GPU to be free. */
  readonly #considered = new Set<string>();
  #facts: BoxFacts;
  /** What this connection was last told of the facts, health among them, and of survivors of KILL. */
  #toldFacts = '';
  #toldDirty = '';
  readonly #pumpTimers = new Map<string, NodeJS.Timeout>();
  #heartbeat: NodeJS.Timeout | undefined;
  #connection: AgentState['connection'] = 'connecting';
  #problem: string | null = null;
  #finish: (state: AgentState) => void = () => {};

  constructor(
    private readonly options: AgentOptions,
    private readonly credentials: { server: string; boxId: string; credential: string },
    reading: GpuReading,
    private readonly unlock: () => void,
  ) {
    const { home, log } = options;
    this.done = new Promise((resolve) => (this.#finish = resolve));
    trimRunnerLog(join(home, 'runner.log'));
    this.#attachments = new Attachments(home);
    this.#facts = factsOf(reading);
    this.#health = new Health(home);
    this.#health.read(reading, this.#facts.gpus);
    this.#runner = runnerOptions(options, this.#facts);
    this.#telemetry = new TelemetryFeed(home, {
      hasGpu: () => this.#facts.gpus.length > 0,
      onReading: (next) => this.#lookAt(next),
    });
    this.#custody = new Custody({
      home,
      slots: options.slots ?? 1,
      log,
      env: options.env ?? process.env,
      runner: this.#runner,
      hasSandbox: options.hasSandbox ?? true,
      minDiskFreeBytes: options.minDiskFreeBytes ?? MIN_DISK_FREE_BYTES,
      onChange: (attempt) => {
        this.#pump(attempt);
        // Survivors of KILL are told at once: nobody should offer work that would be refused.
        if (this.#connection === 'online' && this.#custody.dirty.pids.join() !== this.#toldDirty) this.#beat();
      },
    });
    this.#link = new Link({
      server: options.server ?? credentials.server,
      credential: credentials.credential,
      log,
      hello: () => ({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        facts: this.#tellFacts(),
        // Running jobs first: what a full frame has no room for is told after the next connection.
        attempts: [...this.#custody.attempts.values()]
          .sort((a, b) => Number(a.exit !== null) - Number(b.exit !== null))
          .slice(0, HELLO_ATTEMPTS)
          .map((attempt) => ({
            attemptId: attempt.id,
            token: attempt.spec.token,
            state: attempt.state,
            logBytes: attempt.logBytes,
            metricCount: attempt.metricCount,
          })),
        dirty: this.#custody.dirty.pids,
        freeSlots: this.#custody.freeSlots,
      }),
      onWelcome: (frame) => {
        this.#welcome(frame);
      },
      onFrame: (frame) => {
        try {
          this.#handle(frame);
        } catch (error) {
          // A full or broken disk must not end the agent: the control plane asks again.
          log.error({ err: error, type: frame.type }, 'a frame could not be acted on');
        }
      },
      onDown: () => {
        this.#connection = 'connecting';
        this.#dropConnection();
        log.warn({}, 'the connection to the control plane is lost; jobs go on');
      },
      onRejected: (message) => {
        this.#problem = message;
        log.error({}, message);
        void this.#end('rejected');
      },
    });
    options.signal?.addEventListener('abort', () => void this.stop(), { once: true });
    this.#link.start();
    if (options.signal?.aborted) void this.stop();
  }

  state(): AgentState {
    return {
      connection: this.#connection,
      problem: this.#problem,
      boxId: this.credentials.boxId,
      attempts: [...this.#custody.attempts.values()].map((attempt) => ({
        attemptId: attempt.id,
        state: attempt.state,
        logBytes: attempt.logBytes,
      })),
      dirty: this.#custody.dirty.pids,
      health: this.#health.state,
      freeSlots: this.#custody.freeSlots,
    };
  }

  async stop(): Promise<void> {
    await this.#end('stopped');
  }

  async #end(how: 'stopped' | 'rejected'): Promise<void> {
    if (this.#connection === 'stopped' || this.#connection === 'rejected') return;
    this.#connection = how;
    this.#dropConnection();
    this.#link.stop();
    this.#custody.stop();
    this.unlock();
    this.#finish(this.state());
    await this.done;
  }

  #welcome(frame: ControlFrameOf<'welcome'>): void {
    const { log } = this.options;
    this.#connection = 'online';
    this.#dropConnection();
    log.info({ boxId: frame.boxId, attempts: frame.attempts.length }, 'connected to the control plane');
    for (const { attemptId, token, disposition, logOffset, metricSeq } of frame.attempts) {
      const attempt = this.#custody.attempts.get(attemptId);
      if (!attempt || attempt.spec.token !== token) continue;
      if (disposition === 'release') {
        this.#custody.release(attempt);
        continue;
      }
      if (disposition === 'stop') this.#custody.stale(attempt);
      this.#uploads.set(attemptId, new Upload(attempt, { logOffset, metricSeq }));
      this.#pump(attempt);
    }
    this.#heartbeat = setInterval(() => {
      this.#beat();
    }, frame.heartbeatMs || HEARTBEAT_MS);
  }

  #handle(frame: Exclude<ControlFrame, { type: 'welcome' }>): void {
    if (frame.type === 'assign') {
      void this.#consider(frame);
      return;
    }
    if (frame.type === 'clean') {
      this.#health.lookAgain();
      void this.#custody.dirty.clean().then(() => {
        this.#beat();
      });
      return;
    }
    if (frame.type === 'error') {
      this.options.log.warn({ code: frame.code, message: frame.message }, 'the control plane reports an error');
      return;
    }
    if (frame.type === 'flags') {
      this.options.log.info({ isCordoned: frame.isCordoned, isDraining: frame.isDraining }, 'flags of this box');
      return;
    }
    const attempt = this.#custody.attempts.get(frame.attemptId);
    if (!attempt || ('token' in frame && frame.token !== attempt.spec.token)) return;
    switch (frame.type) {
      case 'ack':
        this.#uploads.get(attempt.id)?.ack(frame);
        this.#pump(attempt);
        return;
      case 'cancel':
        this.#custody.cancel(attempt, frame.detail);
        return;
      case 'release':
        this.#custody.release(attempt);
        if (!this.#custody.attempts.has(attempt.id)) this.#forget(attempt.id);
        return;
      case 'stale':
        this.#custody.stale(attempt);
        return;
      case 'terminal':
        this.#attachments.handle(frame, attempt, this.#link);
    }
  }

  /** An offer waits while somebody else computes on the GPU; given back, it leaves the job to another box. */
  async #consider(frame: ControlFrameOf<'assign'>): Promise<void> {
    const { attemptId, token } = frame.job;
    if (this.#facts.gpus.length > 0 && !this.#custody.attempts.has(attemptId)) {
      if (this.#considered.has(attemptId)) return;
      this.#considered.add(attemptId);
      const link = this.#link;
      const isWanted = () => link.isReady && this.#considered.has(attemptId);
      const read = readPolicy(this.options.home);
      const found = await waitForGpu('policy' in read ? read.policy : {}, isWanted);
      // Lost with its connection: an offer that was not accepted is made again after the next hello.
      if (!this.#considered.delete(attemptId)) return;
      if (found === 'hung') this.#health.read({ status: 'hung' }, this.#facts.gpus);
      else this.#health.occupiedBy(found.length === 0 ? null : occupantsText(found));
      if (found === 'hung' || found.length > 0) {
        const detail = found === 'hung' ? 'nvidia-smi does not answer' : occupantsText(found);
        this.options.log.warn({ attemptId, detail }, 'gave a job back');
        // The reason first: whoever takes the job back must not offer the next one.
        this.#beat();
        link.send({ type: 'refused', attemptId, token, reason: 'busy', detail });
        return;
      }
    }
    try {
      this.#assign(frame);
    } catch (error) {
      this.options.log.error({ err: error, attemptId }, 'a job could not be taken');
    }
  }

  #assign({ job }: ControlFrameOf<'assign'>): void {
    const about = { attemptId: job.attemptId, token: job.token };
    const refusal = this.#custody.assign(job);
    if (refusal) {
      this.options.log.warn({ attemptId: job.attemptId, ...refusal }, 'refused a job');
      this.#link.send({ type: 'refused', ...about, ...refusal, detail: refusal.detail.slice(0, 4000) });
      return;
    }
    this.#link.send({ type: 'accepted', ...about });
    const attempt = this.#custody.attempts.get(job.attemptId);
    if (!attempt) return;
    if (!this.#uploads.has(attempt.id))
      this.#uploads.set(attempt.id, new Upload(attempt, { logOffset: 0, metricSeq: 0 }));
    this.#pump(attempt);
  }

  #pump(attempt: Attempt): void {
    const upload = this.#uploads.get(attempt.id);
    if (!upload || !this.#link.isReady) return;
    clearTimeout(this.#pumpTimers.get(attempt.id));
    this.#pumpTimers.delete(attempt.id);
    let againMs: number | null;
    try {
      againMs = upload.pump(this.#link);
    } catch (error) {
      this.options.log.error({ err: error, attemptId: attempt.id }, 'a job could not be uploaded; it is tried again');
      againMs = RETRY_MS;
    }
    this.#attachments.show(attempt, this.#link);
    if (againMs !== null)
      this.#pumpTimers.set(
        attempt.id,
        setTimeout(() => {
          this.#pump(attempt);
        }, againMs),
      );
  }

  #beat(): void {
    if (!this.#link.isReady) return;
    const telemetry = this.#telemetry.take([...this.#custody.attempts.values()]);
    this.#health.sampled(telemetry, this.#facts.gpus);
    const told = this.#toldFacts;
    const facts = this.#tellFacts();
    const dirty = this.#custody.dirty.pids;
    this.#toldDirty = dirty.join();
    this.#link.send({
      type: 'heartbeat',
      at: new Date().toISOString(),
      freeSlots: this.#custody.freeSlots,
      dirty,
      telemetry,
      ...(this.#toldFacts === told ? {} : { facts }),
    });
  }

  #tellFacts(): BoxFacts {
    const facts = { ...this.#facts, health: this.#health.state };
    this.#toldFacts = JSON.stringify(facts);
    return facts;
  }

  /** A reading of an idle box: is its GPU still there, well, and nobody else's? */
  async #lookAt(reading: GpuReading): Promise<void> {
    this.#health.read(reading, this.#facts.gpus);
    if (reading.status === 'ok' && judgeReading(reading, this.#facts.gpus).length === 0) {
      this.#facts = { ...this.#facts, gpus: gpuFacts(reading.gpus) };
      const [first] = this.#facts.gpus;
      this.#runner.gpu = first ? { name: first.name, driver: first.driver } : null;
      const read = readPolicy(this.options.home);
      const found = await findOccupants('policy' in read ? read.policy : {});
      if (found === 'hung') this.#health.read({ status: 'hung' }, this.#facts.gpus);
      else this.#health.occupiedBy(found.length === 0 ? null : occupantsText(found));
    }
    // What is wrong, or no longer wrong, is told at once.
    if (JSON.stringify({ ...this.#facts, health: this.#health.state }) !== this.#toldFacts) this.#beat();
  }

  #forget(attemptId: string): void {
    this.#uploads.get(attemptId)?.close();
    this.#uploads.delete(attemptId);
    clearTimeout(this.#pumpTimers.get(attemptId));
    this.#pumpTimers.delete(attemptId);
    this.#attachments.close(attemptId);
    this.#telemetry.forget(attemptId);
  }

  #dropConnection(): void {
    clearInterval(this.#heartbeat);
    for (const id of this.#uploads.keys()) {
      this.#uploads.get(id)?.close();
      this.#uploads.delete(id);
      clearTimeout(this.#pumpTimers.get(id));
      this.#pumpTimers.delete(id);
    }
    this.#considered.clear();
    this.#attachments.closeAll();
  }
}

function runnerOptions(options: AgentOptions, facts: BoxFacts): Omit<RunnerOptions, 'sandbox'> {
  // A unified-memory box freezes as a whole, driver included, and does so within seconds: it needs gigabytes of warning.
  const isUnified = facts.gpus.some((gpu) => gpu.isUnified);
  const floor = isUnified ? 4 * 1024 ** 3 : Math.min(512 * 1024 ** 2, Math.round(totalmem() * 0.02));
  return {
    home: options.home,
    slots: options.slots ?? 1,
    logLimitBytes: options.logLimitBytes ?? 268_435_456,
    metricLimit: 100_000,
    memoryFloorBytes: options.memoryFloorBytes === undefined ? floor : options.memoryFloorBytes,
    diskFloorBytes: Math.round((options.minDiskFreeBytes ?? MIN_DISK_FREE_BYTES) / 2),
    telemetryMs: TELEMETRY_MS,
    maxSourceFiles: 20_000,
    maxSourceBytes: 536_870_912,
    gpu: facts.gpus[0] ? { name: facts.gpus[0].name, driver: facts.gpus[0].driver } : null,
  };
}

function trimRunnerLog(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > RUNNER_LOG_BYTES) truncateSync(path, 0);
}
