import { PING_MS, UNREACHABLE_AFTER_MS } from '@nightshift/protocol';
import { deleteOldArchives, deleteOldTelemetry, listAttemptsOfSilentBoxes, type BoxRow } from '@nightshift/db';
import { CurveWatch } from './curve-watch.js';
import { ARCHIVE_KEEP_DAYS, LOST_AFTER_MS, type AgentSocket, type FleetDeps } from './deps.js';
import { Dispatcher } from './dispatcher.js';
import { loseAttempt } from './finish-attempt.js';
import { Heartbeats } from './heartbeats.js';
import { offerAgain } from './offer-again.js';
import { releasePins } from './release-pins.js';
import { Session, type SessionHost } from './session.js';
import { tellUnreachable } from './tell-unreachable.js';
import { Terminals, type TerminalLink, type Watcher } from './terminals.js';

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
  /** Shows the live terminal of an attempt; null when its box is not connected here. */
  watchTerminal(boxId: string, attempt: { attemptId: string; token: string }, watcher: Watcher): TerminalLink | null;
  /** Closes a removed box's session. */
  drop(boxId: string, reason: string): void;
  /** Whether the box can be reached through this process. */
  isConnected(boxId: string): boolean;
  connected(): string[];
  stop(): void;
}

/** All boxes that are connected to this process. Jobs are rows: any replica gives them out to the boxes that it holds. */
export function startFleet(deps: FleetDeps, options: { sweepMs: number; telemetryKeepDays: number }): Fleet {
  const sessions = new Map<string, Session>();
  const dispatcher = new Dispatcher(deps, sessions);
  const beats = new Heartbeats(deps, (boxIds) => {
    // A box that got no work may get it again: it is clean, say, or well.
    lookAgain(boxIds.flatMap((id) => sessions.get(id) ?? []).filter((session) => !session.takesWork));
  });
  const terminals = new Terminals((boxId, frame) => sessions.get(boxId)?.send(frame));
  let isStopped = false;
  const lookAgain = (some: Session[]) => {
    if (isStopped || some.length === 0) return;
    dispatcher
      .reconcile(some)
      .then(() => dispatcher.wake())
      .catch((error: unknown) => deps.log.warn({ err: error }, 'the sweep looks at the boxes again'));
  };
  const host: SessionHost = {
    curves: new CurveWatch(deps),
    beats,
    onReady(session) {
      terminals.boxIsHere(session.boxId);
      dispatcher.wake();
    },
    onRoom: () => dispatcher.wake(),
    onTerminal: (attemptId, data) => terminals.deliver(attemptId, data),
    onOver: (attemptId, why) => terminals.ended(attemptId, why),
  };

  const sweep = async (): Promise<void> => {
    await tellUnreachable(deps.db, UNREACHABLE_AFTER_MS);
    for (const silent of await listAttemptsOfSilentBoxes(deps.db)) {
      const { attempt, run, lastSeenAt, removedAt } = silent;
      const since = Math.max(lastSeenAt?.getTime() ?? 0, attempt.offeredAt.getTime());
      const patienceMs = run.spec.job.limitMs + 3 * run.spec.job.graceMs + LOST_AFTER_MS;
      if (!removedAt && Date.now() - since < patienceMs) continue;
      const detail = removedAt
        ? 'the box was removed'
        : `the box has been silent since ${lastSeenAt?.toISOString() ?? 'ever'}`;
      await loseAttempt(deps.db, attempt, run.id, { reason: 'box_lost', detail });
      deps.wake.run(run.id);
    }
    await releasePins(deps.db, new Date());
    await offerAgain(deps.db, sessions.values());
    await dispatcher.reconcile();
    dispatcher.wake();
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
    setInterval(
      guard('the clean-up of uploads', () => deps.db.transaction((tx) => deleteOldArchives(tx, ARCHIVE_KEEP_DAYS))),
      3_600_000,
    ),
    setInterval(() => {
      for (const session of sessions.values()) session.heartbeat();
    }, PING_MS),
  ];

  return {
    connect(boxId, socket) {
      sessions.get(boxId)?.end(4409, 'replaced by a newer connection');
      const session = new Session(deps, boxId, socket, host);
      sessions.set(boxId, session);
      return session;
    },
    disconnect(session) {
      session.closed();
      if (sessions.get(session.boxId) !== session) return;
      sessions.delete(session.boxId);
      terminals.boxIsAway(session.boxId);
    },
    wake: () => dispatcher.wake(),
    tellFlags(box) {
      const session = sessions.get(box.id);
      if (!session) return;
      session.send({ type: 'flags', isCordoned: box.isCordoned, isDraining: box.isDraining });
      if (box.isCordoned || box.isDraining) session.takesWork = false;
      else lookAgain([session]);
    },
    clean(boxId) {
      const session = sessions.get(boxId);
      session?.send({ type: 'clean' });
      return session !== undefined;
    },
    watchTerminal(boxId, attempt, watcher) {
      return sessions.get(boxId)?.isReady ? terminals.watch(boxId, attempt, watcher) : null;
    },
    drop(boxId, reason) {
      beats.forget(boxId);
      sessions.get(boxId)?.end(4403, reason);
    },
    isConnected: (boxId) => sessions.get(boxId)?.isReady ?? false,
    connected: () => [...sessions.keys()],
    stop() {
      isStopped = true;
      dispatcher.stop();
      beats.stop();
      terminals.stop();
      for (const timer of timers) clearInterval(timer);
      for (const session of sessions.values()) session.end(1012, 'the control plane restarts');
      sessions.clear();
    },
  };
}
export type { Session } from './session.js';
export type { TerminalLink, Watcher } from './terminals.js';
