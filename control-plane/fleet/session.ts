import {
  agentFrameSchema,
  HANDSHAKE_MS,
  HEARTBEAT_MS,
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
  listBoxLoads,
  markAccepted,
  markReleased,
  type BoxLoad,
} from '@nightshift/db';
import { beginPhase } from './begin-phase.js';
import type { CurveWatch } from './curve-watch.js';
import type { AgentSocket, FleetDeps } from './deps.js';
import { declineOffer } from './decline-offer.js';
import { finishAttempt, loseAttempt } from './finish-attempt.js';
import { greet } from './greet.js';
import type { Heartbeats } from './heartbeats.js';
import { effectiveLabels } from './job-spec.js';
import { takeLog, type WaitingFrame } from './take-log.js';
import { takeSource } from './take-source.js';

/** Bytes of frames that wait to be handled; an agent's window is far below, so more means that it does not keep to the protocol. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** What a session tells the fleet that holds it. */
export interface SessionHost {
  curves: CurveWatch;
  beats: Heartbeats;
  /** The box has said hello: it can be given work. */
  onReady(session: Session): void;
  /** The box may have room that it did not have. */
  onRoom(): void;
  /** Bytes for whoever watches a terminal live: they may be dropped, the durable path is the log. */
  onTerminal(attemptId: string, data: Buffer): void;
  /** The attempt is over, as far as this box is concerned. */
  onOver(attemptId: string, why: string): void;
}

/** One websocket of one box. Frames are handled one after the other, so that their order holds. */
export class Session {
  readonly boxId: string;
  isReady = false;
  isAlive = true;
  /** Jobs at a time, and what is known here of how many it has: hints for choosing a box, corrected from the rows at each sweep. */
  slots = 0;
  live = 0;
  /** False while a flag, a survivor of KILL or its health keeps work away. */
  takesWork = false;
  labels: ReadonlySet<string> = new Set();
  facts: BoxLoad['facts'] = null;
  /** When a request to end an attempt was last sent, in milliseconds of `performance.now`. */
  readonly cancelsSent = new Map<string, number>();
  private isDirty = false;
  /** It had no room for what it was offered: nothing more for it until it tells of a slot. */
  private hasDeclined = false;
  private readonly waiting: WaitingFrame[] = [];
  private waitingBytes = 0;
  private isWorking = false;
  private isClosed = false;
  private readonly helloTimer: NodeJS.Timeout;

  constructor(
    private readonly deps: FleetDeps,
    boxId: string,
    private readonly socket: AgentSocket,
    private readonly host: SessionHost,
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

  get hasRoom(): boolean {
    return this.isReady && this.takesWork && !this.isDirty && !this.hasDeclined && this.live < this.slots;
  }

  /** What the rows say of this box. */
  learn(load: BoxLoad): void {
    this.takesWork = !load.isCordoned && !load.isDraining && !load.isDirty && load.facts?.health?.ok !== false;
    this.live = load.liveAttempts;
    this.labels = new Set(effectiveLabels(load));
    this.facts = load.facts;
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
        return this.beat(frame);
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
        const metricSeq = await appendMetrics(this.deps.db, frame.attemptId, frame.token, frame.seq, frame.points);
        if (metricSeq === null) {
          this.stale(frame);
          return undefined;
        }
        this.send({ type: 'ack', attemptId: frame.attemptId, metricSeq });
        return this.host.curves.reported(frame.attemptId);
      }
      case 'exit': {
        const { runId } = await finishAttempt(this.deps.db, this.boxId, frame.attemptId, frame.token, frame.exit);
        // What the runner could not kill is known before the next heartbeat says so.
        if (frame.exit.leftPids.length > 0) this.isDirty = true;
        this.hasDeclined = false;
        this.over(frame.attemptId, 'the job has ended');
        // The run's next job is what a box waits for: first the loop, then the paperwork.
        if (runId) this.deps.wake.run(runId);
        this.host.curves.ended(frame.attemptId);
        this.send({ type: 'release', attemptId: frame.attemptId, token: frame.token });
        await markReleased(this.deps.db, frame.attemptId);
        return undefined;
      }
      case 'terminal':
        this.host.onTerminal(frame.attemptId, Buffer.from(frame.data, 'base64'));
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
    this.isDirty = frame.dirty.length > 0;
    for (const load of await listBoxLoads(this.deps.db, [this.boxId])) this.learn(load);
    if (this.isClosed) return;
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
    this.host.onReady(this);
  }

  private beat(frame: FrameOf<'heartbeat'>): void {
    const hadRoom = this.hasRoom;
    this.isDirty = frame.dirty.length > 0;
    // A box that was dirty when it connected told of no slot.
    this.slots = Math.max(this.slots, frame.freeSlots);
    if (frame.freeSlots > 0) this.hasDeclined = false;
    if (frame.facts?.health?.ok === false) this.takesWork = false;
    this.host.beats.add(this.boxId, frame);
    if (this.hasRoom && !hadRoom) this.host.onRoom();
  }

  private over(attemptId: string, why: string): void {
    this.live = Math.max(0, this.live - 1);
    this.cancelsSent.delete(attemptId);
    this.host.onOver(attemptId, why);
    this.host.onRoom();
  }

  private async refused(frame: FrameOf<'refused'>): Promise<void> {
    if (frame.reason === 'busy') {
      this.hasDeclined = true;
      const runId = await declineOffer(this.deps.db, this.boxId, { ...frame, reason: frame.reason });
      this.over(frame.attemptId, 'the box had no room for the job');
      if (runId) this.deps.wake.run(runId);
      return;
    }
    const { reason } = frame;
    if (reason === 'agent_refused') {
      const runId = await declineOffer(this.deps.db, this.boxId, { ...frame, reason });
      if (runId) {
        this.send({ type: 'release', attemptId: frame.attemptId, token: frame.token });
        this.over(frame.attemptId, "the box's owner does not allow the job");
        this.deps.wake.run(runId);
        return;
      }
    }
    const attempt = await findAttempt(this.deps.db, frame.attemptId);
    const isOurs = attempt?.boxId === this.boxId && attempt.token === frame.token;
    const job = isOurs ? await findJob(this.deps.db, attempt.jobId) : undefined;
    if (attempt && job)
      await loseAttempt(this.deps.db, attempt, job.runId, { reason: frame.reason, detail: frame.detail });
    this.send({ type: 'release', attemptId: frame.attemptId, token: frame.token });
    this.over(frame.attemptId, 'the box refused the job');
    if (job) this.deps.wake.run(job.runId);
  }

  private async log(frame: FrameOf<'log'>): Promise<void> {
    const { data, weight } = takeLog(frame, this.waiting);
    this.waitingBytes -= weight;
    const logOffset = await appendLog(this.deps.db, frame.attemptId, frame.token, frame.offset, data);
    if (logOffset === null) this.stale(frame);
    else this.send({ type: 'ack', attemptId: frame.attemptId, logOffset });
  }

  private stale(frame: { attemptId: string; token: string }): void {
    this.send({ type: 'stale', attemptId: frame.attemptId, token: frame.token });
  }
}
