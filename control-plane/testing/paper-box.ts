import { randomUUID } from 'node:crypto';
import {
  JOB_ROLES,
  type BoxFacts,
  type Config,
  type ExitRecord,
  type FrameOf,
  type JobReason,
  type JobSpec,
} from '@nightshift/protocol';
import { appendMetrics, insertBox, markBoxSeen, type Db } from '@nightshift/db';
import { beginPhase } from '../fleet/begin-phase.js';
import { finishAttempt } from '../fleet/finish-attempt.js';
import { giveOut } from '../fleet/give-out.js';

/** A box that says as little of itself as it may. */
export const PAPER_FACTS: BoxFacts = {
  hostname: 'paper',
  os: 'linux',
  arch: 'x64',
  cpus: 1,
  memoryBytes: 1,
  gpus: [],
  node: 'v20',
  agentVersion: 'test',
  roles: [...JOB_ROLES],
};

export function exitOf(reason: JobReason, metric: number | null, detail = ''): ExitRecord {
  const at = new Date().toISOString();
  return {
    reason,
    detail,
    exitCode: reason === 'completed' ? 0 : 1,
    signal: null,
    metric,
    phases: [],
    startedAt: at,
    endedAt: at,
    logBytes: 0,
    logBytesDropped: 0,
    metricCount: 0,
    leftPids: [],
    killedDescendants: 0,
    energyWh: null,
    peakMemoryBytes: null,
    fingerprint: {},
  };
}

/** A box without a machine: it takes jobs from the database and ends them with what a function says, through the same doors as a real one. */
export async function paperBox(db: Db, options: { labels?: string[]; slots?: number } = {}) {
  const box = await insertBox(db, {
    name: `paper-${randomUUID().slice(0, 8)}`,
    labels: options.labels ?? [],
    facts: PAPER_FACTS,
  });
  if (!box) throw new Error('two paper boxes drew one name');
  await markBoxSeen(db, box.id, {});
  return {
    id: box.id,
    take: (): Promise<JobSpec | null> => giveOut(db, box.id, options.slots ?? 1),
    /** Training begins, by the box's clock. */
    async begin(job: JobSpec, at = new Date()): Promise<void> {
      await beginPhase(db, box.id, {
        attemptId: job.attemptId,
        token: job.token,
        phase: 'train',
        at: at.toISOString(),
      });
    },
    /** Reports metric points whose first has number `seq`. */
    report: (job: JobSpec, seq: number, points: FrameOf<'metrics'>['points']) =>
      db.transaction((tx) => appendMetrics(tx, job.attemptId, job.token, seq, points)),
    /** The box connects and says what it is. */
    greet: (facts: Partial<BoxFacts>) => markBoxSeen(db, box.id, { facts: { ...PAPER_FACTS, ...facts } }),
    finish: (job: JobSpec, exit: ExitRecord) => finishAttempt(db, box.id, job.attemptId, job.token, exit),
    /** Runs one job to its end; null when there was none. */
    async work(measure: (config: Config, job: JobSpec) => number | ExitRecord): Promise<JobSpec | null> {
      const job = await giveOut(db, box.id, options.slots ?? 1);
      if (!job) return null;
      await this.begin(job);
      const result = measure(job.config, job);
      await finishAttempt(
        db,
        box.id,
        job.attemptId,
        job.token,
        typeof result === 'number' ? exitOf('completed', result) : result,
      );
      return job;
    },
  };
}
export type PaperBox = Awaited<ReturnType<typeof paperBox>>;
