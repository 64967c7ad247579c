import {
  agentFrameSchema,
  HANDSHAKE_MS,
  HEARTBEAT_MS,
  isInfrastructureReason,
  parseFrame,
  PROTOCOL_VERSION,
  type AgentFrame,
  type ControlFrame,
  type FrameOf,
} from '@nightshift/protocol';
import {
  appendLog,
  appendMetrics,
  findAttempt,
  findJob,
  insertTelemetry,
  markAccepted,
  markBoxSeen,
  markReleased,
  type JobRow,
} from '@nightshift/db';
import { beginPhase } from './begin-phase.js';
import type { CurveWatch } from './curve-watch.js';
import type { AgentSocket, FleetDeps } from './deps.js';
import { finishAttempt, loseAttempt } from './finish-attempt.js';
import { giveOut } from './give-out.js';
import { greet } from './greet.js';
import { takeSource } from './take-source.js';

/** Bytes of frames that wait to be handled; an agent's window is far below, so more means that it does not keep to the protocol. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Log bytes written by one statement: enough to make a slow disk's commit worth it. */
const MERGE_BYTES = 512 * 1024;

/** Listeners to a live terminal, by attempt. The live view may drop; the durable path is the log. */
export type TerminalListener = (attemptId: string, data: Buffer) => void;

/** One websocket of one box. Frames are handled one after the other, so that their order holds. */
export class Session {
  readonly boxId: string;
  isReady = false;
  isAlive = true;
  private slots = 0;
  private readonly waiting: { frame: AgentFrame; bytes: number }[] = [];
  private waitingBytes = 0;
  private isWorking = false;
  private isClosed = false;
  private isDispatching = false;
  private dispatchAgain = false;
  private readonly helloTimer: NodeJS.Timeout;

  constructor(
    private readonly deps: FleetDeps,
    boxId: string,
    private readonly socket: AgentSocket,
    private readonly curves: CurveWatch,
    private readonly onTerminal: TerminalListener,
  ) {
    this.boxId = boxId;
    this.helloTimer = setTimeout(() => this.end(4408, 'no hello in time'), HANDSHAKE_MS);
  }

  send(frame: ControlFrame): void {
    if (!this.isClosed) this.socket.send(JSON.stringify(frame));
  }

  /** A text frame has arrived. Bad ones end the session with a reason, since an agent that sends them is broken or not ours. */
  receive(data: string): void {
    if (this.isClosed) return;
    const parsed = parseFrame(agentFrameSchema, data);
    if ('problem' in parsed) {
      this.send({ type: 'error', code: 'protocol_error', message: parsed.problem });
      this.end(4400, parsed.problem.slice(0, 100));
      return;
    }
    this.waitingBytes += data.length;
    if (this.waitingBytes > MAX_WAITING_BYTES) {
      this.end(4413, 'too much in flight');
      return;
    }
    this.waiting.push({ frame: parsed.frame, bytes: data.length });
    void this.work();
  }

  end(code: number, reason: string): void {
    if (this.isClosed) return;
    this.closed();
    this.socket.close(code, reason);
  }

  /** The socket is gone. Whatever the box runs goes on. */
  closed(): void {
    this.isClosed = true;
    this.isReady = false;
    clearTimeout(this.helloTimer);
    this.waiting.length = 0;
  }

  /** Terminates a socket whose last ping was not answered, and pings it otherwise. */
  heartbeat(): void {
    if (this.isClosed) return;
    if (!this.isAlive) {
      this.closed();
      this.socket.terminate();
      return;
    }
    this.isAlive = false;
    this.socket.ping();
  }

  /** Gives out jobs until the box is full or nothing waits for it. */
  async dispatch(): Promise<void> {
    if (!this.isReady || this.isClosed) return;
    if (this.isDispatching) {
      this.dispatchAgain = true;
      return;
    }
    this.isDispatching = true;
    try {
      do {
        this.dispatchAgain = false;
        for (;;) {
          const job = await giveOut(this.deps.db, this.boxId, this.slots);
          if (!job) break;
          this.send({ type: 'assign', job });
        }
      } while (this.dispatchAgain);
    } catch (error) {
      this.deps.log.warn({ err: error, boxId: this.boxId }, 'a job could not be given out; the sweep tries again');
    } finally {
      this.isDispatching = false;
    }
  }

  private async work(): Promise<void> {
    if (this.isWorking) return;
    this.isWorking = true;
    try {
      for (let next = this.waiting.shift(); next !== undefined && !this.isClosed; next = this.waiting.shift()) {
        this.waitingBytes -= next.bytes;
        await this.handle(next.frame);
      }
    } catch (error) {
      // Nothing was acknowledged: the agent sends it again on its next connection.
      this.deps.log.error({ err: error, boxId: this.boxId }, 'a frame could not be handled');
      this.end(1011, 'internal error');
    } finally {
      this.isWorking = false;
    }
  }

  private async handle(frame: AgentFrame): Promise<void> {
    if (!this.isReady && frame.type !== 'hello') {
      this.end(4400, 'the first frame must be hello');
      return;
    }
    switch (frame.type) {
      case 'hello':
        return this.hello(frame);
      case 'heartbeat':
        await markBoxSeen(this.deps.db, this.boxId, { dirtyPids: frame.dirty, freeSlots: frame.freeSlots });
        await insertTelemetry(this.deps.db, this.boxId, frame.telemetry);
        return this.dispatch();
      case 'accepted':
        if (!(await markAccepted(this.deps.db, frame.attemptId, frame.token))) this.stale(frame);
        return undefined;
      case 'refused':
        return this.refused(frame);
      case 'phase':
        if (!(await beginPhase(this.deps.db, this.boxId, frame))) this.stale(frame);
        return undefined;
      case 'source': {
        const runId = await takeSource(this.deps.db, this.boxId, frame);
        if (runId) this.deps.wake.run(runId);
        return undefined;
      }
      case 'log':
        return this.log(frame);
      case 'metrics': {
        const metricSeq = await this.deps.db.transaction((tx) =>
          appendMetrics(tx, frame.attemptId, frame.token, frame.seq, frame.points),
        );
        if (metricSeq === null) {
          this.stale(frame);
          return undefined;
        }
        this.send({ type: 'ack', attemptId: frame.attemptId, metricSeq });
        return this.curves.reported(frame.attemptId);
      }
      case 'exit': {
        const { runId } = await finishAttempt(this.deps.db, this.boxId, frame.attemptId, frame.token, frame.exit);
        // The run's next job is what a box waits for: first the loop, then the paperwork.
        if (runId) this.deps.wake.run(runId);
        this.curves.ended(frame.attemptId);
        this.send({ type: 'release', attemptId: frame.attemptId, token: frame.token });
        await markReleased(this.deps.db, frame.attemptId);
        return undefined;
      }
      case 'terminal':
        this.onTerminal(frame.attemptId, Buffer.from(frame.data, 'base64'));
        return undefined;
    }
  }

  private async hello(frame: FrameOf<'hello'>): Promise<void> {
    clearTimeout(this.helloTimer);
    if (frame.protocol !== PROTOCOL_VERSION) {
      const advice = frame.protocol < PROTOCOL_VERSION ? 'upgrade the agent' : 'upgrade the control plane';
      this.send({
        type: 'error',
        code: 'protocol_version',
        message: `this control plane speaks protocol ${PROTOCOL_VERSION}, the agent ${frame.protocol}: ${advice}`,
      });
      this.end(4426, 'protocol version');
      return;
    }
    const greeting = await greet(this.deps.db, this.boxId, frame);
    if (!greeting) {
      this.end(4403, 'the box was removed');
      return;
    }
    this.slots = frame.freeSlots + frame.attempts.filter((attempt) => attempt.state !== 'ended').length;
    this.isReady = true;
    this.send({
      type: 'welcome',
      boxId: this.boxId,
      serverTime: new Date().toISOString(),
      heartbeatMs: HEARTBEAT_MS,
      attempts: greeting.attempts,
    });
    for (const job of greeting.offers) this.send({ type: 'assign', job });
    for (const runId of greeting.runIds) this.deps.wake.run(runId);
    this.deps.wake.fleet();
  }

  private async refused(frame: FrameOf<'refused'>): Promise<void> {
    const runId = await this.deps.db.transaction(async (tx) => {
      const attempt = await findAttempt(tx, frame.attemptId);
      if (!attempt || attempt.boxId !== this.boxId || attempt.token !== frame.token) return null;
      const job = (await findJob(tx, attempt.jobId)) as JobRow;
      const reason = frame.reason === 'busy' ? 'internal_error' : frame.reason;
      const detail = frame.reason === 'busy' ? 'the box had no free slot' : frame.detail;
      if (!isInfrastructureReason(reason)) return null;
      await loseAttempt(tx, attempt, job, { reason, detail });
      return job.runId;
    });
    this.send({ type: 'release', attemptId: frame.attemptId, token: frame.token });
    if (runId) this.deps.wake.run(runId);
  }

  private async log(frame: FrameOf<'log'>): Promise<void> {
    const parts = [Buffer.from(frame.data, 'base64')];
    let bytes = parts[0]?.length ?? 0;
    for (let next = this.waiting[0]; next?.frame.type === 'log' && bytes < MERGE_BYTES; next = this.waiting[0]) {
      const more = next.frame;
      if (more.attemptId !== frame.attemptId || more.token !== frame.token || more.offset !== frame.offset + bytes)
        break;
      const data = Buffer.from(more.data, 'base64');
      parts.push(data);
      bytes += data.length;
      this.waitingBytes -= next.bytes;
      this.waiting.shift();
    }
    const logOffset = await this.deps.db.transaction((tx) =>
      appendLog(tx, frame.attemptId, frame.token, frame.offset, Buffer.concat(parts)),
    );
    if (logOffset === null) this.stale(frame);
    else this.send({ type: 'ack', attemptId: frame.attemptId, logOffset });
  }

  private stale(frame: { attemptId: string; token: string }): void {
    this.send({ type: 'stale', attemptId: frame.attemptId, token: frame.token });
  }
}
