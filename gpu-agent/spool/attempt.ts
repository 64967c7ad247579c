import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  agentFrameSchema,
  JOB_PHASES,
  jobSpecSchema,
  type ExitRecord,
  type FrameOf,
  type JobPhase,
  type JobSpec,
} from '@nightshift/protocol';
import { z } from 'zod';
import { isAlive, type ProcessIdentity } from '../process/identity.js';
import { writeAtomic, writeOnce } from './atomic.js';
import { proofKey, readSignedExit } from './exit-proof.js';
import { jobDir, type JobDir } from './job-dir.js';
import { readLines, scanLines } from './read-lines.js';

// The job runs as the same user and can scribble over these files: nothing in them is trusted to have its form.
const phaseSchema = z.object({ phase: z.enum(JOB_PHASES), at: z.iso.datetime() });

/** What `runner.json` says: who claimed the job, and where its terminal can be reached. */
export interface RunnerClaim extends ProcessIdentity {
  socket: string | null;
}

/** One job directory as the agent sees it. The files are the truth; this object only remembers what was read. */
export class Attempt {
  readonly dir: JobDir;
  /** When this agent handed it to a runner; null for one it has not started. */
  startedAtMs: number | null = null;
  /** Runners that it was handed to. */
  starts = 0;
  logBytes = 0;
  metricCount = 0;
  phases: { phase: JobPhase; at: string }[] = [];
  exit: ExitRecord | null = null;
  /** Code mode: what the source's editable files say, once the runner has read them. Read once, before anything of the job runs. */
  source: FrameOf<'source'> | null = null;
  claim: RunnerClaim | null = null;
  isStale: boolean;
  #metricOffset = 0;
  #phaseOffset = 0;
  #key: string | undefined;
  readonly #home: string;

  constructor(
    home: string,
    readonly spec: JobSpec,
  ) {
    this.#home = home;
    this.dir = jobDir(join(home, 'jobs', spec.attemptId));
    this.isStale = existsSync(this.dir.stale);
  }

  /** What the account of this attempt's end must be signed with. */
  get proofKey(): string {
    return (this.#key ??= proofKey(this.#home, this.spec));
  }
  get id(): string {
    return this.spec.attemptId;
  }
  get state(): 'preparing' | 'running' | 'ended' {
    return this.exit ? 'ended' : this.phases.length > 0 ? 'running' : 'preparing';
  }

  /** Makes the directory of a new attempt, durable before anyone is told that it was accepted. */
  static create(home: string, spec: JobSpec): Attempt {
    mkdirSync(join(home, 'jobs', spec.attemptId), { recursive: true, mode: 0o700 });
    const attempt = new Attempt(home, spec);
    writeAtomic(attempt.dir.spec, JSON.stringify(spec));
    return attempt;
  }

  /** Reads a directory back; null when it holds no whole spec, which means that nobody was told of it. */
  static open(home: string, id: string): Attempt | null {
    const parsed = jobSpecSchema.safeParse(readJson(join(home, 'jobs', id, 'spec.json')));
    if (!parsed.success || parsed.data.attemptId !== id) return null;
    const attempt = new Attempt(home, parsed.data);
    attempt.refresh();
    return attempt;
  }

  /** Looks at the files again. The exit record is read first: what lies in the log then is all that there will be. */
  refresh(): void {
    if (!this.exit && existsSync(this.dir.exit)) this.exit = readSignedExit(this.dir.exit, this.proofKey);
    if (!this.claim && existsSync(this.dir.runner)) this.claim = readClaim(this.dir.runner);
    this.logBytes = sizeOf(this.dir.log);
    if (sizeOf(this.dir.metrics) > this.#metricOffset) this.#countMetrics();
    // Sizes first: this runs at every change of the log, and most changes are only that.
    if (sizeOf(this.dir.phases) > this.#phaseOffset)
      for (const line of this.#newPhases()) {
        const parsed = phaseSchema.safeParse(parseJson(line));
        if (parsed.success && this.phases.length < 10) this.phases.push(parsed.data);
      }
    // After the phases: it is written before the first of them, and is to be sent before it.
    if (this.spec.edit && !this.spec.overlay && !this.source && existsSync(this.dir.source))
      this.source = readSource(this.dir.source, this.spec);
  }

  /** True when a runner that claimed the job is gone and left no account of it. */
  isOrphan(): boolean {
    return this.exit === null && this.claim !== null && !isAlive(this.claim);
  }

  cancel(detail: string): void {
    if (this.exit) return;
    try {
      writeOnce(this.dir.cancel, JSON.stringify({ detail, at: new Date().toISOString() }));
    } catch {
      // A full disk takes no content, but often still a name, and the name alone is the request.
      closeSync(openSync(this.dir.cancel, 'a', 0o600));
    }
  }

  markStale(): void {
    if (this.isStale) return;
    this.isStale = true;
    writeOnce(this.dir.stale, JSON.stringify({ at: new Date().toISOString() }));
  }

  #countMetrics(): void {
    for (;;) {
      const { lines, offset } = readLines(this.dir.metrics, this.#metricOffset, 10_000, 1_048_576);
      this.#metricOffset = offset;
      if (lines.length === 0) return;
      this.metricCount += lines.length;
    }
  }

  #newPhases(): string[] {
    const { lines, offset } = readLines(this.dir.phases, this.#phaseOffset, 100);
    this.#phaseOffset = offset;
    return lines;
  }
}

/** Where in `metrics.jsonl` the point with this index starts. */
export function metricOffset(attempt: Attempt, index: number): number {
  return index === 0 ? 0 : scanLines(attempt.dir.metrics, index).offset;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readClaim(path: string): RunnerClaim | null {
  const value = readJson(path) as Partial<RunnerClaim> | undefined;
  if (typeof value?.pid !== 'number' || typeof value.startTime !== 'string') return null;
  return { pid: value.pid, startTime: value.startTime, socket: typeof value.socket === 'string' ? value.socket : null };
}

function readSource(path: string, { attemptId, token }: JobSpec): FrameOf<'source'> | null {
  const facts = readJson(path);
  if (typeof facts !== 'object') return null;
  const parsed = agentFrameSchema.safeParse({ ...facts, type: 'source', attemptId, token });
  return parsed.success && parsed.data.type === 'source' ? parsed.data : null;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
