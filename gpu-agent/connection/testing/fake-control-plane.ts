import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  agentFrameSchema,
  parseFrame,
  type AgentFrame,
  type ControlFrame,
  type ExitRecord,
  type FrameOf,
  type JobSpec,
} from '@nightshift/protocol';
import { WebSocketServer, type WebSocket } from 'ws';

export interface HeldAttempt {
  spec: JobSpec;
  log: Buffer[];
  logBytes: number;
  metrics: FrameOf<'metrics'>['points'];
  phases: string[];
  /** Every telling of the source's editable files, and how many phases had been told before it. */
  sources: { frame: FrameOf<'source'>; afterPhases: number }[];
  exits: ExitRecord[];
  accepted: number;
}
type Disposition = 'continue' | 'stop' | 'release';

/**
 * The other end of the protocol over real sockets, small enough to be read: it keeps what agents send, acknowledges it,
 * and lets a test cut, delay and replay. Whatever breaks the protocol (a gap in a log, an exit before its bytes) is in `faults`.
 */
export class FakeControlPlane {
  readonly attempts = new Map<string, HeldAttempt>();
  readonly frames: AgentFrame[] = [];
  readonly faults: string[] = [];
  readonly authorizations: string[] = [];
  /** How the next upgrades are answered; 101 is a websocket. */
  status = 101;
  headers: Record<string, string> = {};
  /** Not acknowledging and not releasing, as a control plane whose database is slow. */
  isAcking = true;
  isReleasing = true;
  disposition: (attemptId: string) => Disposition = () => 'continue';
  heartbeatMs = 10_000;
  connections = 0;
  socket: WebSocket | null = null;
  #server: Server;
  #wss = new WebSocketServer({ noServer: true, maxPayload: 262_144 });
  #waiters = new Set<{ test: () => boolean; resolve: () => void }>();
  #isFinished = new Set<string>();

  private constructor() {
    this.#server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      this.onHttp(request, (status, body) => response.writeHead(status).end(JSON.stringify(body)));
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.authorizations.push(request.headers.authorization ?? '');
      if (this.status !== 101) {
        const headers = Object.entries(this.headers).map(([name, value]) => `${name}: ${value}\r\n`);
        socket.end(`HTTP/1.1 ${this.status} No\r\n${headers.join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`);
        this.#changed();
        return;
      }
      this.#wss.handleUpgrade(request, socket, head, (ws) => {
        this.connections++;
        ws.on('message', (data) => {
          this.#receive(ws, (data as Buffer).toString('utf8'));
        });
        ws.on('error', () => {});
        ws.on('close', () => {
          if (this.socket === ws) this.socket = null;
          this.#changed();
        });
      });
    });
  }

  onHttp: (request: IncomingMessage, answer: (status: number, body: unknown) => void) => void = (_request, answer) => {
    answer(200, {});
  };

  static async start(port = 0): Promise<FakeControlPlane> {
    const plane = new FakeControlPlane();
    await new Promise<void>((resolve) => plane.#server.listen(port, '127.0.0.1', resolve));
    return plane;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  send(frame: ControlFrame): void {
    this.socket?.send(JSON.stringify(frame));
  }

  assign(spec: JobSpec): HeldAttempt {
    const held = this.attempts.get(spec.attemptId) ?? {
      spec,
      log: [],
      logBytes: 0,
      metrics: [],
      phases: [],
      sources: [],
      exits: [],
      accepted: 0,
    };
    this.attempts.set(spec.attemptId, held);
    this.send({ type: 'assign', job: spec });
    return held;
  }

  /** Waits until something is true; checked after every frame and every change of a connection. */
  async until(test: () => boolean, what: string, timeoutMs = 20_000): Promise<void> {
    if (test()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`waited in vain for: ${what}; faults: ${this.faults.join('; ') || 'none'}`));
      }, timeoutMs);
      const waiter = {
        test,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  online(): Promise<void> {
    return this.until(() => this.socket !== null, 'an agent to connect');
  }

  async exitOf(attemptId: string, timeoutMs?: number): Promise<ExitRecord> {
    await this.until(
      () => (this.attempts.get(attemptId)?.exits.length ?? 0) > 0,
      `the exit of ${attemptId}`,
      timeoutMs,
    );
    return this.attempts.get(attemptId)?.exits[0] as ExitRecord;
  }

  logOf(attemptId: string): Buffer {
    return Buffer.concat(this.attempts.get(attemptId)?.log ?? []);
  }

  async stop(): Promise<void> {
    for (const client of this.#wss.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #receive(ws: WebSocket, data: string): void {
    const parsed = parseFrame(agentFrameSchema, data);
    if ('problem' in parsed) this.faults.push(parsed.problem);
    else {
      this.frames.push(parsed.frame);
      this.#take(ws, parsed.frame);
    }
    this.#changed();
  }

  #take(ws: WebSocket, frame: AgentFrame): void {
    if (frame.type === 'hello') {
      this.socket = ws;
      this.send({
        type: 'welcome',
        boxId: 'box-1',
        serverTime: new Date().toISOString(),
        heartbeatMs: this.heartbeatMs,
        attempts: frame.attempts.map(({ attemptId, token }) => ({
          attemptId,
          token,
          disposition: this.#isFinished.has(attemptId) ? 'release' : this.disposition(attemptId),
          logOffset: this.attempts.get(attemptId)?.logBytes ?? 0,
          metricSeq: this.attempts.get(attemptId)?.metrics.length ?? 0,
        })),
      });
      return;
    }
    if (ws !== this.socket) {
      this.faults.push(`${frame.type} before hello`);
      return;
    }
    if (!('attemptId' in frame)) return;
    const held = this.attempts.get(frame.attemptId);
    if (!held || held.spec.token !== frame.token) {
      this.faults.push(`${frame.type} for an attempt that is not its`);
      return;
    }
    switch (frame.type) {
      case 'accepted':
        held.accepted++;
        return;
      case 'source':
        held.sources.push({ frame, afterPhases: held.phases.length });
        return;
      case 'phase':
        if (held.phases.at(-1) !== frame.phase) held.phases.push(frame.phase);
        return;
      case 'log': {
        const bytes = Buffer.from(frame.data, 'base64');
        if (frame.offset > held.logBytes) this.faults.push(`a gap in the log: ${frame.offset} after ${held.logBytes}`);
        const fresh = bytes.subarray(Math.min(bytes.length, held.logBytes - frame.offset));
        held.log.push(fresh);
        held.logBytes += fresh.length;
        if (this.isAcking) this.send({ type: 'ack', attemptId: frame.attemptId, logOffset: held.logBytes });
        return;
      }
      case 'metrics':
        if (frame.seq > held.metrics.length)
          this.faults.push(`a gap in the metrics: ${frame.seq} after ${held.metrics.length}`);
        held.metrics.push(...frame.points.slice(held.metrics.length - frame.seq));
        if (this.isAcking) this.send({ type: 'ack', attemptId: frame.attemptId, metricSeq: held.metrics.length });
        return;
      case 'exit':
        if (held.logBytes < frame.exit.logBytes && this.disposition(frame.attemptId) === 'continue')
          this.faults.push(`an exit before its log: ${held.logBytes} of ${frame.exit.logBytes}`);
        held.exits.push(frame.exit);
        if (!this.isReleasing) return;
        this.#isFinished.add(frame.attemptId);
        this.send({ type: 'release', attemptId: frame.attemptId, token: frame.token });
    }
  }

  #changed(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.test()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
