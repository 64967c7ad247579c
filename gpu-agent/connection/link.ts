import {
  controlFrameSchema,
  HANDSHAKE_MS,
  MAX_ASSIGN_BYTES,
  parseFrame,
  PING_MS,
  RECONNECT_MAX_MS,
  RECONNECT_MIN_MS,
  type AgentFrame,
  type ControlFrame,
  type ControlFrameOf,
  type FrameOf,
} from '@nightshift/protocol';
import WebSocket from 'ws';
import type { AgentLog } from '../agent-log.js';
import { Backoff, retryAfterMs } from './backoff.js';
import { refuseUnreadable } from './refuse-unreadable.js';

export interface LinkOptions {
  /** Base URL of the control plane, http or https. */
  server: string;
  credential: string;
  log: AgentLog;
  hello: () => FrameOf<'hello'>;
  onWelcome: (frame: ControlFrameOf<'welcome'>) => void;
  onFrame: (frame: Exclude<ControlFrame, { type: 'welcome' }>) => void;
  onDown: () => void;
  /** The control plane will never have this agent: the credential was refused or the box removed. */
  onRejected: (message: string) => void;
  random?: () => number;
}

/** A replaced connection comes back this late at the earliest: two agents with one credential must not take turns in a storm. */
const REPLACED_MS = 15_000;

/** Close codes after which trying again is pointless, and what to do instead. */
const FINAL: Record<number, string> = {
  4401: 'the control plane refused the credential: enrol this box again',
  4403: 'the box was removed from the control plane: enrol it again',
  4426: 'the control plane speaks another version of the protocol: upgrade whichever is older',
};

/** The one outbound websocket. It connects, says hello, waits for the welcome, pings, and after any end tries again, for ever. */
export class Link {
  #socket: WebSocket | null = null;
  #isReady = false;
  #isStopped = false;
  #retry: NodeJS.Timeout | undefined;
  #ping: NodeJS.Timeout | undefined;
  readonly #backoff: Backoff;

  constructor(private readonly options: LinkOptions) {
    this.#backoff = new Backoff(RECONNECT_MIN_MS, RECONNECT_MAX_MS, options.random ?? Math.random);
  }

  get isReady(): boolean {
    return this.#isReady;
  }
  /** Bytes handed to the socket that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  start(): void {
    if (this.#isStopped || this.#socket) return;
    const url = `${this.options.server.replace(/^http/, 'ws').replace(/\/+$/, '')}/v1/agent`;
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${this.options.credential}` },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_ASSIGN_BYTES,
    });
    this.#socket = socket;
    let retryMs: number | null = null;
    let isAlive = true;
    socket.on('unexpected-response', (request, response) => {
      const status = response.statusCode ?? 0;
      retryMs = retryAfterMs(response.headers['retry-after'], Date.now());
      request.destroy();
      if (status === 401 || status === 403) {
        this.#reject(status === 401 ? FINAL[4401] : FINAL[4403]);
        return;
      }
      this.options.log.warn({ status, retryMs }, 'the control plane did not take the connection');
      this.#down(socket, retryMs);
    });
    socket.on('open', () => {
      this.#write(socket, this.options.hello());
      this.#retry = setTimeout(() => {
        socket.terminate();
      }, HANDSHAKE_MS);
    });
    socket.on('pong', () => (isAlive = true));
    socket.on('message', (data, isBinary) => {
      if (socket !== this.#socket) return;
      isAlive = true;
      if (isBinary) return;
      const text = (data as Buffer).toString('utf8');
      const parsed = parseFrame(controlFrameSchema, text);
      if ('problem' in parsed) {
        this.options.log.warn(
          { problem: parsed.problem },
          'a frame of the control plane was not understood and is left out',
        );
        const refusal = refuseUnreadable(text, parsed.problem);
        if (refusal) this.send(refusal);
        return;
      }
      const { frame } = parsed;
      if (frame.type === 'welcome') {
        clearTimeout(this.#retry);
        this.#isReady = true;
        this.#backoff.reset();
        this.#ping = setInterval(() => {
          if (!isAlive) {
            socket.terminate();
            return;
          }
          isAlive = false;
          socket.ping();
        }, PING_MS);
        this.options.onWelcome(frame);
      } else if (this.#isReady || frame.type === 'error') this.options.onFrame(frame);
    });
    socket.on('error', (error) => {
      this.options.log.warn({ error: error.message }, 'the connection failed');
      // While connecting no close follows in every case: whichever comes first counts.
      if (socket.readyState === WebSocket.CLOSED || socket.readyState === WebSocket.CONNECTING)
        this.#down(socket, retryMs);
    });
    socket.on('close', (code, reason) => {
      const final = FINAL[code];
      if (final && socket === this.#socket) this.#reject(reason.length > 0 ? `${final} (${reason.toString()})` : final);
      else this.#down(socket, code === 4409 ? REPLACED_MS : null);
    });
  }

  send(frame: AgentFrame): boolean {
    if (!this.#isReady || !this.#socket) return false;
    this.#write(this.#socket, frame);
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    clearInterval(this.#ping);
    const socket = this.#socket;
    this.#socket = null;
    this.#isReady = false;
    if (!socket) return;
    socket.on('error', () => {});
    if (socket.readyState === WebSocket.OPEN) socket.close(1000, 'the agent stops');
    setTimeout(() => socket.terminate(), 500).unref();
  }

  #write(socket: WebSocket, frame: AgentFrame): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame), () => {});
  }

  #down(socket: WebSocket, retryMs: number | null): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearTimeout(this.#retry);
    clearInterval(this.#ping);
    const wasReady = this.#isReady;
    this.#isReady = false;
    socket.terminate();
    if (wasReady) this.options.onDown();
    if (this.#isStopped) return;
    const pauseMs = Math.round(Math.max(retryMs ?? 0, this.#backoff.next()));
    this.options.log.info({ pauseMs }, 'connecting again after a pause');
    this.#retry = setTimeout(() => {
      this.start();
    }, pauseMs);
  }

  #reject(message = 'refused'): void {
    this.stop();
    this.options.onRejected(message);
  }
}
