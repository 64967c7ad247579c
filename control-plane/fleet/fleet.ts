import { PING_MS, UNREACHABLE_AFTER_MS } from '@nightshift/protocol';
import {
  deleteOldTelemetry,
  listAttemptsOfSilentBoxes,
  listCancelRequested,
  markSilentBoxes,
  recordEvent,
  type BoxRow,
} from '@nightshift/db';
import { CurveWatch } from './curve-watch.js';
import { LOST_AFTER_MS, type AgentSocket, type FleetDeps } from './deps.js';
import { loseAttempt } from './finish-attempt.js';
import { releasePins } from './release-pins.js';
import { Session } from './session.js';

export interface Fleet {
  /** A box has connected with its credential. A second connection of the same box replaces the first. */
  connect(boxId: string, socket: AgentSocket): Session;
  disconnect(session: Session): void;
  /** Something may be waiting for a box, or a box for something: give out jobs, pass on cancels and flags. */
  wake(): void;
  /** Tells a connected box of its flags, at once. */
  tellFlags(box: BoxRow): void;
  /** Asks a connected box to kill what its ended jobs left behind; false when it is not connected here. */
  clean(boxId: string): boolean;
  /** Closes a removed box's session. */
  drop(boxId: string, reason: string): void;
  connected(): string[];
  stop(): void;
}

/** All boxes that are connected to this process. Jobs are rows: any replica gives them out to the boxes that it holds. */
export function startFleet(deps: FleetDeps, options: { sweepMs: number; telemetryKeepDays: number }): Fleet {
  const sessions = new Map<string, Session>();
  const curves = new CurveWatch(deps);
  let isStopped = false;
  let isWaking = false;
  let wakeAgain = false;

  const passOn = async (): Promise<void> => {
    const ready = [...sessions.values()].filter((session) => session.isReady);
    for (const { attempt, job } of await listCancelRequested(
      deps.db,
      ready.map((session) => session.boxId),
    ))
      sessions.get(attempt.boxId)?.send({
        type: 'cancel',
        attemptId: attempt.id,
        token: attempt.token,
        detail: job.detail ?? 'cancelled on request',
      });
    await Promise.all(ready.map((session) => session.dispatch()));
  };

  const wake = (): void => {
    if (isStopped) return;
    if (isWaking) {
      wakeAgain = true;
      return;
    }
    isWaking = true;
    void (async () => {
      try {
        do {
          wakeAgain = false;
          await passOn();
        } while (wakeAgain && !isStopped);
      } catch (error) {
        deps.log.warn({ err: error }, 'jobs could not be given out; the sweep tries again');
      } finally {
        isWaking = false;
      }
    })();
  };

  const sweep = async (): Promise<void> => {
    for (const boxId of await markSilentBoxes(deps.db, UNREACHABLE_AFTER_MS))
      await recordEvent(deps.db, { type: 'box.unreachable', boxId });
    for (const silent of await listAttemptsOfSilentBoxes(deps.db)) {
      const { attempt, job, run, lastSeenAt, removedAt } = silent;
      const since = Math.max(lastSeenAt?.getTime() ?? 0, attempt.offeredAt.getTime());
      const patienceMs = run.spec.job.limitMs + 3 * run.spec.job.graceMs + LOST_AFTER_MS;
      if (!removedAt && Date.now() - since < patienceMs) continue;
      const detail = removedAt
        ? 'the box was removed'
        : `the box has been silent since ${lastSeenAt?.toISOString() ?? 'ever'}`;
      await deps.db.transaction((tx) => loseAttempt(tx, attempt, job, { reason: 'box_lost', detail }));
      deps.wake.run(run.id);
    }
    await releasePins(deps.db, new Date());
    wake();
  };

  const guard = (what: string, work: () => Promise<unknown>) => () => {
    if (!isStopped)
      work().catch((error: unknown) => deps.log.warn({ err: error }, `${what} failed; it is tried again`));
  };
  const timers = [
    setInterval(guard('the sweep of boxes', sweep), options.sweepMs),
    setInterval(
      guard('the clean-up of telemetry', () => deleteOldTelemetry(deps.db, options.telemetryKeepDays)),
      3_600_000,
    ),
    setInterval(() => {
      for (const session of sessions.values()) session.heartbeat();
    }, PING_MS),
  ];

  return {
    connect(boxId, socket) {
      sessions.get(boxId)?.end(4409, 'replaced by a newer connection');
      const session = new Session(deps, boxId, socket, curves, () => undefined);
      sessions.set(boxId, session);
      return session;
    },
    disconnect(session) {
      session.closed();
      if (sessions.get(session.boxId) === session) sessions.delete(session.boxId);
    },
    wake,
    tellFlags(box) {
      sessions.get(box.id)?.send({ type: 'flags', isCordoned: box.isCordoned, isDraining: box.isDraining });
      wake();
    },
    clean(boxId) {
      const session = sessions.get(boxId);
      session?.send({ type: 'clean' });
      return session !== undefined;
    },
    drop(boxId, reason) {
      sessions.get(boxId)?.end(4403, reason);
    },
    connected: () => [...sessions.keys()],
    stop() {
      isStopped = true;
      for (const timer of timers) clearInterval(timer);
      for (const session of sessions.values()) session.end(1012, 'the control plane restarts');
      sessions.clear();
    },
  };
}
export type { Session } from './session.js';
