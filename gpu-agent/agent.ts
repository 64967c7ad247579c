import { mkdirSync, statSync, truncateSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import {
  AppError,
  HEARTBEAT_MS,
  PROTOCOL_VERSION,
  TELEMETRY_MS,
  type BoxFacts,
  type ControlFrame,
  type ControlFrameOf,
} from '@nightshift/protocol';
import type { AgentLog } from './agent-log.js';
import { Attachments } from './attach.js';
import { Link } from './connection/link.js';
import { Upload } from './connection/upload.js';
import { readCredentials } from './credentials.js';
import { Custody } from './custody.js';
import { releaseLock, takeLock } from './process/lock.js';
import type { RunnerOptions } from './runner/options.js';
import type { Attempt } from './spool/attempt.js';
import { readFacts } from './telemetry/facts.js';
import { TelemetryFeed } from './telemetry/feed.js';

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
    const facts = await readFacts();
    return new RunningAgent(options, credentials, facts, () => {
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
  readonly #pumpTimers = new Map<string, NodeJS.Timeout>();
  #heartbeat: NodeJS.Timeout | undefined;
  #connection: AgentState['connection'] = 'connecting';
  #problem: string | null = null;
  #finish: (state: AgentState) => void = () => {};

  constructor(
    private readonly options: AgentOptions,
    private readonly credentials: { server: string; boxId: string; credential: string },
    facts: BoxFacts,
    private readonly unlock: () => void,
  ) {
    const { home, log } = options;
    this.done = new Promise((resolve) => (this.#finish = resolve));
    trimRunnerLog(join(home, 'runner.log'));
    this.#attachments = new Attachments(home);
    this.#telemetry = new TelemetryFeed(home, facts.gpus.length > 0);
    this.#custody = new Custody({
      home,
      slots: options.slots ?? 1,
      log,
      env: options.env ?? process.env,
      runner: runnerOptions(options, facts),
      hasSandbox: options.hasSandbox ?? true,
      minDiskFreeBytes: options.minDiskFreeBytes ?? 268_435_456,
      onChange: (attempt) => {
        this.#pump(attempt);
      },
    });
    this.#link = new Link({
      server: options.server ?? credentials.server,
      credential: credentials.credential,
      log,
      hello: () => ({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        facts,
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
      this.#assign(frame);
      return;
    }
    if (frame.type === 'clean') {
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
    this.#link.send({
      type: 'heartbeat',
      at: new Date().toISOString(),
      freeSlots: this.#custody.freeSlots,
      dirty: this.#custody.dirty.pids,
      telemetry,
    });
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
    this.#attachments.closeAll();
  }
}

function runnerOptions(options: AgentOptions, facts: BoxFacts): Omit<RunnerOptions, 'sandbox'> {
  // A unified-memory box freezes as a whole, driver included, and does so within seconds: it needs gigabytes of warning.
  const isUnified = facts.gpus.some((gpu) => gpu.isUnified);
  const floor = isUnified ? 4 * 1024 ** 3 : Math.min(512 * 1024 ** 2, Math.round(totalmem() * 0.02));
  return {
    home: options.home,
    logLimitBytes: options.logLimitBytes ?? 268_435_456,
    metricLimit: 100_000,
    memoryFloorBytes: options.memoryFloorBytes === undefined ? floor : options.memoryFloorBytes,
    telemetryMs: TELEMETRY_MS,
    maxSourceFiles: 20_000,
    maxSourceBytes: 536_870_912,
    gpu: facts.gpus[0] ? { name: facts.gpus[0].name, driver: facts.gpus[0].driver } : null,
  };
}

function trimRunnerLog(path: string): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > RUNNER_LOG_BYTES) truncateSync(path, 0);
}
