import { findAttempt, findJob, findRun } from '@nightshift/db';
import type { FleetDeps } from './deps.js';

/** Shorter has the loop read curves for every frame of a chatty job; longer lets a hopeless one train on, by the sweep at the latest. */
const PACE_MS = 1_000;

/** Tells the loop, at a bounded pace, that a candidate whose run stops hopeless ones early has reported metrics. */
export class CurveWatch {
  /** The run to wake for an attempt; null for attempts that are never stopped early. */
  readonly #runs = new Map<string, string | null>();
  readonly #lastMs = new Map<string, number>();

  constructor(
    private readonly deps: FleetDeps,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  async reported(attemptId: string): Promise<void> {
    const known = this.#runs.get(attemptId);
    const runId = known === undefined ? await this.#lookUp(attemptId) : known;
    if (runId === null) return;
    const nowMs = this.nowMs();
    if (nowMs - (this.#lastMs.get(runId) ?? -Infinity) < PACE_MS) return;
    this.#lastMs.set(runId, nowMs);
    this.deps.wake.run(runId);
  }

  ended(attemptId: string): void {
    const runId = this.#runs.get(attemptId);
    this.#runs.delete(attemptId);
    if (runId != null && ![...this.#runs.values()].includes(runId)) this.#lastMs.delete(runId);
  }

  async #lookUp(attemptId: string): Promise<string | null> {
    const attempt = await findAttempt(this.deps.db, attemptId);
    const job = attempt && (await findJob(this.deps.db, attempt.jobId));
    const run = job?.role === 'candidate' ? await findRun(this.deps.db, job.runId) : undefined;
    const runId = run?.spec.fidelity?.earlyStop ? run.id : null;
    this.#runs.set(attemptId, runId);
    return runId;
  }
}
