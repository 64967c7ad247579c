import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

interface Pair {
  near: Socket;
  far: Socket;
}

/** A network between two processes that a test can spoil: cut, stall, slow down, refuse. The far end may move. */
export class Proxy {
  /** Bytes a second in each direction of a connection; null is as fast as it goes. */
  bytesPerSecond: number | null = null;
  /** Added to every piece that passes. */
  delayMs = 0;
  /** New connections are closed at once. */
  isRefusing = false;
  /** Connections that were taken since the start. */
  connections = 0;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #frozen = new Set<Pair>();

  private constructor(private readonly target: () => { host: string; port: number }) {
    // A half-closed connection is closed whole: nothing here lives on one direction.
    this.#server = createServer((near) => this.#take(near));
  }

  static async start(target: () => { host: string; port: number }): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection, both ends at once. */
  cut(): number {
    const n = this.#pairs.size;
    for (const pair of this.#pairs) this.#end(pair);
    return n;
  }

  /** The connections of this moment fall silent and stay open: both ends believe in them, nothing passes. */
  freeze(): number {
    for (const pair of this.#pairs) {
      this.#frozen.add(pair);
      pair.near.pause();
      pair.far.pause();
    }
    return this.#frozen.size;
  }

  /** What was frozen flows again, nothing lost; or is broken, as when a middlebox forgets a connection. */
  thaw(how: 'resume' | 'cut'): void {
    for (const pair of this.#frozen) {
      if (how === 'cut') this.#end(pair);
      else {
        this.#frozen.delete(pair);
        pair.near.resume();
        pair.far.resume();
      }
    }
  }

  async stop(): Promise<void> {
    this.cut();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #take(near: Socket): void {
    this.connections++;
    near.on('error', () => undefined);
    if (this.isRefusing) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.target());
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true);
      from.on('error', () => this.#end(pair));
      from.on('close', () => this.#end(pair));
      from.on('end', () => this.#end(pair));
      from.on('data', (data) => void this.#pass(pair, from, to, data));
    }
  }

  async #pass(pair: Pair, from: Socket, to: Socket, data: Buffer): Promise<void> {
    const ms = this.delayMs + (this.bytesPerSecond === null ? 0 : (data.length / this.bytesPerSecond) * 1000);
    if (ms > 0) {
      from.pause();
      await pause(ms);
    }
    if (to.destroyed) return;
    const isTaken = to.write(data);
    if (!isTaken) {
      from.pause();
      await once(to, 'drain').catch(() => undefined);
    }
    if (!this.#frozen.has(pair)) from.resume();
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    this.#frozen.delete(pair);
    for (const socket of [pair.near, pair.far]) if (!socket.destroyed) socket.resetAndDestroy();
  }
}
