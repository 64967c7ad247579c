import { listBoxLoads, listRequestedEnds, listWaitingJobs, type WaitingJob } from '@nightshift/db';
import type { FleetDeps } from './deps.js';
import { giveJob } from './give-out.js';
import type { Session } from './session.js';

/** Jobs looked at together. */
const JOBS_A_PASS = 200;
/** Jobs given out side by side. More than the pool has connections would only queue there and hold up everything else. */
const PARALLEL = 4;
/** Pause between two looks for requests to end a job. */
const CANCEL_PACE_MS = 100;
/** A request to end a job is sent again after this: longer than a box needs to obey. */
const CANCEL_AGAIN_MS = 2_000;

/**
 * Gives the waiting jobs to the boxes that are connected here. Jobs drive it: with nothing waiting a pass is one statement, however
 * many boxes there are. What is known of a box in memory only chooses; the transaction that gives a job decides.
 */
export class Dispatcher {
  #isWaking = false;
  #wakeAgain = false;
  #isStopped = false;
  #cancelTimer: NodeJS.Timeout | undefined;
  #lastCancelMs = -Infinity;

  constructor(
    private readonly deps: FleetDeps,
    /** Ready boxes by id, the one that has waited longest for a job first. */
    private readonly sessions: Map<string, Session>,
  ) {}

  /** Something may have changed: looks again, once for any number of calls. */
  wake(): void {
    if (this.#isStopped) return;
    this.#wakeAgain = true;
    if (this.#isWaking) return;
    this.#isWaking = true;
    void (async () => {
      try {
        while (this.#wakeAgain && !this.#isStopped) {
          this.#wakeAgain = false;
          await this.#passOnCancels();
          await this.#giveOut();
        }
      } catch (error) {
        this.deps.log.warn({ err: error }, 'jobs could not be given out; the sweep tries again');
      } finally {
        this.#isWaking = false;
      }
    })();
  }

  /** Reads what the rows say of the connected boxes: whatever memory has missed is right again after this. */
  async reconcile(sessions: Iterable<Session> = this.sessions.values()): Promise<void> {
    const ready = new Map(
      [...sessions].filter((session) => session.isReady).map((session) => [session.boxId, session]),
    );
    for (const load of await listBoxLoads(this.deps.db, [...ready.keys()])) ready.get(load.id)?.learn(load);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#cancelTimer);
  }

  async #passOnCancels(): Promise<void> {
    const nowMs = performance.now();
    const sinceMs = nowMs - this.#lastCancelMs;
    if (sinceMs < CANCEL_PACE_MS) {
      this.#cancelTimer ??= setTimeout(() => {
        this.#cancelTimer = undefined;
        this.wake();
      }, CANCEL_PACE_MS - sinceMs);
      return;
    }
    this.#lastCancelMs = nowMs;
    for (const { boxId, attemptId, token, detail } of await listRequestedEnds(this.deps.db)) {
      const session = this.sessions.get(boxId);
      if (!session?.isReady || nowMs - (session.cancelsSent.get(attemptId) ?? -Infinity) < CANCEL_AGAIN_MS) continue;
      session.cancelsSent.set(attemptId, nowMs);
      session.send({ type: 'cancel', attemptId, token, detail: detail ?? 'cancelled on request' });
    }
  }

  async #giveOut(): Promise<void> {
    const unwanted = new Set<string>();
    let after: WaitingJob | undefined;
    while (!this.#isStopped && [...this.sessions.values()].some((session) => session.hasRoom)) {
      const page = await listWaitingJobs(this.deps.db, { after, limit: JOBS_A_PASS });
      after = page.at(-1);
      const queue = [...page];
      const work = async () => {
        for (let job = queue.shift(); job !== undefined && !this.#isStopped; job = queue.shift())
          await this.#give(job, unwanted);
      };
      await Promise.all(Array.from({ length: Math.min(PARALLEL, queue.length) }, work));
      if (page.length < JOBS_A_PASS) return;
    }
  }

  async #give(job: WaitingJob, unwanted: Set<string>): Promise<void> {
    // Jobs that ask for the same and found no box: nobody is asked twice in one pass.
    const asks = `${job.pinnedBoxId ?? ''} ${job.labels.join(' ')}`;
    if (unwanted.has(asks)) return;
    for (;;) {
      const session = this.#choose(job);
      if (!session) {
        unwanted.add(asks);
        return;
      }
      session.live++;
      this.sessions.delete(session.boxId);
      this.sessions.set(session.boxId, session); // to the end of the line
      let given: Awaited<ReturnType<typeof giveJob>>;
      try {
        given = await giveJob(this.deps.db, session.boxId, session.slots, job.id);
      } catch (error) {
        session.live--;
        throw error;
      }
      if ('spec' in given) {
        session.send({ type: 'assign', job: given.spec });
        return;
      }
      session.live--;
      if (given.none === 'job') return;
      // Until the box or its rows say otherwise.
      if (given.none === 'full') session.live = session.slots;
      else session.takesWork = false;
    }
  }

  #choose(job: WaitingJob): Session | undefined {
    const fits = (session: Session | undefined) =>
      session?.hasRoom && job.labels.every((label) => session.labels.has(label)) ? session : undefined;
    if (job.pinnedBoxId !== null) return fits(this.sessions.get(job.pinnedBoxId));
    for (const session of this.sessions.values()) if (fits(session)) return session;
    return undefined;
  }
}
