import { mkdirSync, readdirSync, renameSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import type { FrameOf, JobSpec } from '@nightshift/protocol';
import type { AgentLog } from './agent-log.js';
import { RunnerPool } from './connection/runner-pool.js';
import { DirtyPids } from './dirty.js';
import { applyPolicy, readPolicy } from './policy.js';
import { findBwrap, type SandboxTool } from './sandbox/find-bwrap.js';
import type { RunnerOptions, SandboxOptions } from './runner/options.js';
import { Attempt } from './spool/attempt.js';
import { declareLost } from './spool/declare-lost.js';
import { isSafeId } from './spool/job-dir.js';
import { readJobs } from './spool/read-jobs.js';
import { diskFreeBytes } from './telemetry/host.js';
import { removeTree } from './workspace/remove-tree.js';
import { pruneRunRecords } from './workspace/run-record.js';
import { pruneSetups } from './workspace/setup-cache.js';

/** A watch may be missing (a network file system, too many watches): changes are then seen this late. */
const POLL_MS = 500;
/** A runner that was given a job claims it in milliseconds; after this another one is given it (only one can claim). */
const CLAIM_MS = 15_000;
/** Runners that are given a job before it is called lost. */
const MAX_STARTS = 4;

export interface CustodyOptions {
  home: string;
  slots: number;
  log: AgentLog;
  env: NodeJS.ProcessEnv;
  runner: Omit<RunnerOptions, 'sandbox'>;
  /** False behaves as a box on which there is no sandbox. */
  hasSandbox: boolean;
  minDiskFreeBytes: number;
  /** Something of an attempt changed: bytes, a phase, its end. */
  onChange: (attempt: Attempt) => void;
}

type Refusal = Pick<FrameOf<'refused'>, 'reason' | 'detail'>;

/** Everything the box has been given and has not been released from: starts jobs, adopts them, watches their files, forgets them. */
export class Custody {
  readonly attempts = new Map<string, Attempt>();
  readonly dirty: DirtyPids;
  readonly #pool: RunnerPool;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #losing = new Set<string>();
  readonly #unwanted = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  #isStopped = false;

  constructor(private readonly options: CustodyOptions) {
    const { home } = options;
    this.dirty = new DirtyPids(home);
    this.#pool = new RunnerPool(join(home, 'runner.log'), options.env, (dir) => {
      // A runner that died before it claimed its job: another one is given it at once.
      for (const attempt of this.attempts.values()) if (attempt.dir.path === dir) attempt.startedAtMs = null;
      this.#look();
    });
    emptyTrash(home, options.log);
    for (const attempt of readJobs(home)) {
      this.attempts.set(attempt.id, attempt);
      this.#watch(attempt);
      if (attempt.exit) continue;
      if (attempt.claim) this.options.log.info({ attemptId: attempt.id, pid: attempt.claim.pid }, 'adopted a job');
    }
    if (this.active === 0) pruneSetups(join(home, 'cache', 'setup'));
    pruneRunRecords(home);
    this.#timer = setInterval(() => {
      this.#look();
    }, POLL_MS);
    this.#look();
    this.#pool.warm();
  }

  /** Jobs that hold a slot: accepted and not ended. */
  get active(): number {
    return [...this.attempts.values()].filter((attempt) => attempt.exit === null).length;
  }
  get freeSlots(): number {
    return this.dirty.pids.length > 0 ? 0 : Math.max(0, this.options.slots - this.active);
  }

  /**
   * Takes a job, durably, and starts it; or says why not. The same attempt again is taken again, with no further effect.
   * @returns null when it was accepted.
   */
  assign(asked: JobSpec): Refusal | null {
    const { home, log } = this.options;
    const known = this.attempts.get(asked.attemptId);
    if (known)
      return known.spec.token === asked.token
        ? null
        : { reason: 'internal_error', detail: 'this attempt is here with another token' };
    if (!isSafeId(asked.attemptId))
      return { reason: 'internal_error', detail: 'the attempt id cannot name a directory' };
    const read = readPolicy(home);
    if ('problem' in read) return { reason: 'agent_refused', detail: read.problem };
    const checked = applyPolicy(read.policy, asked);
    if ('refusal' in checked) return { reason: 'agent_refused', detail: checked.refusal };
    const { isRequired, problem, bwrap } = this.#sandbox(checked.job);
    if (checked.job.edit && isRequired && !bwrap)
      return {
        reason: 'agent_refused',
        detail: `this box's owner requires a sandbox for edited code (policy.json): ${problem ?? 'there is none'}`,
      };
    if (this.dirty.pids.length > 0)
      return { reason: 'busy', detail: `the box is dirty: processes ${this.dirty.pids.join(', ')} survived KILL` };
    if (this.freeSlots === 0) return { reason: 'busy', detail: `all ${this.options.slots} slots are taken` };
    const free = diskFreeBytes(home);
    if (free !== null && free < this.options.minDiskFreeBytes)
      return {
        reason: 'disk_full',
        detail: `only ${Math.round(free / 1_048_576)} MiB are free on the disk of ${home}`,
      };
    let attempt: Attempt;
    try {
      attempt = Attempt.create(home, checked.job);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return {
        reason: code === 'ENOSPC' ? 'disk_full' : 'internal_error',
        detail: `the job's directory could not be made (${code})`,
      };
    }
    this.attempts.set(attempt.id, attempt);
    this.#watch(attempt);
    this.#start(attempt);
    log.info({ attemptId: attempt.id, jobId: asked.jobId, project: asked.project }, 'took a job');
    return null;
  }

  /** Ends a job that the control plane no longer wants: by its runner, with the spec's grace. */
  cancel(attempt: Attempt, detail: string): void {
    attempt.cancel(detail);
  }

  /** The job was given to someone else: it is stopped, and its late result is sent as evidence. */
  stale(attempt: Attempt): void {
    attempt.markStale();
    attempt.cancel('the attempt was given to another box');
    this.options.onChange(attempt);
  }

  /** Everything of it is durable elsewhere: its directory goes. */
  release(attempt: Attempt): void {
    if (!attempt.exit) {
      // Released while it runs: nobody wants its result, and its directory goes when it has ended.
      this.#unwanted.add(attempt.id);
      this.stale(attempt);
      return;
    }
    this.#watchers.get(attempt.id)?.close();
    this.#watchers.delete(attempt.id);
    this.attempts.delete(attempt.id);
    const trash = join(this.options.home, 'trash');
    mkdirSync(trash, { recursive: true, mode: 0o700 });
    // Renamed first: a half-deleted directory must never be read back as a job.
    const target = join(trash, `${attempt.id}-${Date.now()}`);
    try {
      renameSync(attempt.dir.path, target);
    } catch (error) {
      this.options.log.warn({ err: error, attemptId: attempt.id }, 'a released job could not be put away');
    }
    void clear(target, this.options.log);
  }

  /** Stops looking after the jobs and leaves them running. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    this.#pool.close();
  }

  #start(attempt: Attempt): void {
    if (attempt.starts >= MAX_STARTS) {
      this.#lose(
        attempt,
        `${MAX_STARTS} runners ended before they could claim the job: see runner.log, and nightshift agent doctor`,
      );
      return;
    }
    attempt.starts++;
    attempt.startedAtMs = performance.now();
    this.#pool.start({
      dir: attempt.dir.path,
      options: { ...this.options.runner, sandbox: this.#sandbox(attempt.spec) },
      proofKey: attempt.proofKey,
    });
  }

  // Looked for only when there is edited code to run: a trial run takes its milliseconds.
  #sandbox(job: JobSpec): SandboxOptions {
    const read = readPolicy(this.options.home);
    const { require = false, network = null, hide = [] } = ('policy' in read ? read.policy.sandbox : undefined) ?? {};
    const off: SandboxTool = { problem: 'it is switched off', fix: '' };
    const tool = job.edit && this.options.hasSandbox ? findBwrap(this.options.env) : off;
    return {
      bwrap: 'bwrap' in tool ? tool.bwrap : null,
      problem: 'bwrap' in tool ? null : [tool.problem, tool.fix].filter((part) => part !== '').join('; fix: '),
      isRequired: require || 'problem' in read,
      network,
      hide,
    };
  }

  #watch(attempt: Attempt): void {
    try {
      const watcher = watch(attempt.dir.path, () => {
        this.#refresh(attempt);
      });
      watcher.on('error', () => watcher.close());
      this.#watchers.set(attempt.id, watcher);
    } catch {
      // the poll finds it
    }
  }

  #refresh(attempt: Attempt): void {
    if (this.#isStopped || !this.attempts.has(attempt.id)) return;
    const wasEnded = attempt.exit !== null;
    attempt.refresh();
    if (attempt.exit && !wasEnded) {
      this.#pool.finished(attempt.dir.path);
      if (attempt.exit.leftPids.length > 0) this.dirty.add(attempt.id, attempt.exit.leftPids);
      this.options.log.info({ attemptId: attempt.id, reason: attempt.exit.reason }, 'a job has ended');
      if (this.#unwanted.delete(attempt.id)) {
        this.release(attempt);
        return;
      }
    }
    this.options.onChange(attempt);
  }

  // What no event tells: a runner that died, one that never claimed its job, a file system without watches.
  #look(): void {
    if (this.#isStopped) return;
    for (const attempt of this.attempts.values()) {
      if (attempt.exit) continue;
      this.#refresh(attempt);
      if (attempt.exit !== null || this.#losing.has(attempt.id)) continue;
      if (attempt.isOrphan()) this.#lose(attempt, 'the runner ended without an account of the job');
      else if (!attempt.claim && (attempt.startedAtMs === null || performance.now() - attempt.startedAtMs > CLAIM_MS))
        this.#start(attempt);
    }
    this.dirty.recheck();
    if (this.freeSlots > 0) this.#pool.warm();
  }

  #lose(attempt: Attempt, why: string): void {
    if (this.#losing.has(attempt.id)) return;
    this.#losing.add(attempt.id);
    this.options.log.warn({ attemptId: attempt.id, pid: attempt.claim?.pid }, 'a job lost its runner');
    void declareLost(attempt, why)
      .catch((error: unknown) => {
        this.options.log.error({ err: error, attemptId: attempt.id }, 'the account of a lost job could not be written');
      })
      .finally(() => {
        this.#losing.delete(attempt.id);
        this.#refresh(attempt);
      });
  }
}

function emptyTrash(home: string, log: AgentLog): void {
  const trash = join(home, 'trash');
  mkdirSync(trash, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(trash)) void clear(join(trash, name), log);
}

/** What stays holds space on the disk, and the next agent tries again: somebody should know. */
async function clear(path: string, log: AgentLog): Promise<void> {
  const stays = await removeTree(path).catch((error: unknown) => [`${path} (${String(error)})`]);
  if (stays.length === 0) return;
  const paths = stays.slice(0, 5).map((stay) => stay.slice(0, 300));
  log.warn({ paths, count: stays.length }, 'what a job left could not be deleted: it holds space on the disk');
}
