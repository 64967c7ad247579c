import { listBoxLoads, listRequestedEnds, listWaitingJobs, type WaitingJob } from '@nightshift/db';
import type { FleetDeps } from './deps.js';
import { giveJobs, type Given } from './give-out.js';
import { knowsRole } from './knows-role.js';
import type { Session } from './session.js';

/** Jobs looked at together. */
const JOBS_A_PASS = 200;
/** Jobs given out by one transaction: fewer costs round trips, more holds the rows of the boxes for longer. */
const JOBS_A_TRANSACTION = 50;
/** Pause between two looks for requests to end a job. */
const CANCEL_PACE_MS = 100;
/** A request to end a job is sent again after this: longer than a box needs to obey. */
const CANCEL_AGAIN_MS = 2_000;

interface Pair {
  session: Session;
  jobId: string;
}

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
    // Jobs that ask for the same and found no box: the boxes are not gone through again for each of them.
    const unwanted = new Set<string>();
    let after: WaitingJob | undefined;
    while (!this.#isStopped && [...this.sessions.values()].some((session) => session.hasRoom)) {
      const page = await listWaitingJobs(this.deps.db, { after, limit: JOBS_A_PASS });
      after = page.at(-1);
      const pairs: Pair[] = [];
      for (const job of page) {
        const asks = `${job.pinnedBoxId ?? ''} ${job.role} ${job.labels.join(' ')} ${job.avoids.join(' ')} ${job.refusedBy.join(' ')}`;
        const session = unwanted.has(asks) ? undefined : this.#choose(job);
        if (!session) {
          unwanted.add(asks);
          continue;
        }
        session.live++;
        pairs.push({ session, jobId: job.id });
        this.sessions.delete(session.boxId);
        this.sessions.set(session.boxId, session); // to the end of the line
      }
      for (let at = 0; at < pairs.length; at += JOBS_A_TRANSACTION)
        await this.#give(pairs.slice(at, at + JOBS_A_TRANSACTION));
      if (page.length < JOBS_A_PASS) return;
    }
  }

  async #give(pairs: Pair[]): Promise<void> {
    const matches = pairs.map(({ session, jobId }) => ({ jobId, boxId: session.boxId, slots: session.slots }));
    let answers: Given[];
    try {
      answers = await giveJobs(this.deps.db, matches);
    } catch (error) {
      for (const { session } of pairs) session.live--;
      if (pairs.length === 1) {
        this.deps.log.warn(
          { err: error, jobId: pairs[0]?.jobId },
          'a job could not be given out; the sweep tries again',
        );
        return;
      }
      // One job that cannot be given out must not hold up the others.
      for (const pair of pairs) {
        pair.session.live++;
        await this.#give([pair]);
      }
      return;
    }
    for (const [i, { session }] of pairs.entries()) {
      const given = answers[i] as Given;
      if ('spec' in given) {
        session.send({ type: 'assign', job: given.spec });
        continue;
      }
      session.live--;
      if (given.none === 'job') continue;
      // Until the box or its rows say otherwise; another one gets the job.
      if (given.none === 'full') session.live = session.slots;
      else session.takesWork = false;
      this.#wakeAgain = true;
    }
  }

  #choose(job: WaitingJob): Session | undefined {
    const isFor = (session: Session) =>
      knowsRole(session.facts, job.role) &&
      !job.refusedBy.includes(session.boxId) &&
      job.labels.every((label) => session.labels.has(label));
    const fits = (session: Session | undefined) => (session?.hasRoom && isFor(session) ? session : undefined);
    if (job.pinnedBoxId !== null) return fits(this.sessions.get(job.pinnedBoxId));
    const sessions = [...this.sessions.values()];
    // Where it failed for a lasting reason it goes only when there is no other box, not even a busy one.
    const others = sessions.filter((session) => !job.avoids.includes(session.boxId));
    const isWanted = (session: Session) => session.isReady && session.takesWork && isFor(session);
    return (others.some(isWanted) ? others : sessions).find(fits);
  }
}
