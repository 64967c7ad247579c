import { closeSync, openSync, readSync } from 'node:fs';
import {
  LOG_FRAME_BYTES,
  LOG_WINDOW_BYTES,
  isWireTime,
  METRIC_FRAME_POINTS,
  toWireNumber,
  type AgentFrame,
  type FrameOf,
} from '@nightshift/protocol';
import { metricOffset, type Attempt } from '../spool/attempt.js';
import { readLines } from '../spool/read-lines.js';
import { SendWindow } from './send-window.js';

/** Metric points sent and not yet acknowledged. */
const METRIC_WINDOW = METRIC_FRAME_POINTS * 20;
/** A trickle is gathered for this long after a frame: shorter costs a frame a line, longer is seen in the log by who follows it (a live terminal does not wait). */
const GATHER_MS = 200;
/** Bytes that the socket may hold back before the upload waits for it. */
const SOCKET_BYTES = 2_097_152;

export interface Wire {
  send(frame: AgentFrame): boolean;
  readonly bufferedBytes: number;
}

/** The upload of one attempt over one connection: from the acknowledged offset, within a window, the exit last. */
export class Upload {
  #fd: number | null = null;
  readonly #log: SendWindow;
  readonly #metrics: SendWindow;
  #metricOffset: number;
  #isSourceSent = false;
  #phasesSent = 0;
  #isExitSent = false;
  #lastLogAt = -Infinity;

  constructor(
    private readonly attempt: Attempt,
    from: { logOffset: number; metricSeq: number },
    /** Milliseconds of a clock that never goes back. */
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#log = new SendWindow(from.logOffset);
    this.#metrics = new SendWindow(from.metricSeq);
    this.#metricOffset = metricOffset(attempt, from.metricSeq);
  }

  ack({ logOffset, metricSeq }: { logOffset?: number | undefined; metricSeq?: number | undefined }): void {
    if (logOffset !== undefined) this.#log.ack(logOffset, this.now());
    if (metricSeq === undefined) return;
    const { sent } = this.#metrics;
    this.#metrics.ack(metricSeq, this.now());
    if (this.#metrics.sent !== sent) this.#metricOffset = metricOffset(this.attempt, this.#metrics.sent);
  }

  /**
   * Sends what the window allows. Returns in how many milliseconds there is more to send, be it again, or null when only
   * a new byte or an acknowledgement makes more.
   */
  pump(wire: Wire): number | null {
    const { attempt } = this;
    const about = { attemptId: attempt.id, token: attempt.spec.token };
    if (attempt.isStale) {
      if (attempt.exit) this.#sendExit(wire);
      return null;
    }
    if (attempt.source && !this.#isSourceSent && !(this.#isSourceSent = wire.send(attempt.source))) return null;
    while (this.#phasesSent < attempt.phases.length) {
      const next = attempt.phases[this.#phasesSent];
      if (!next || !wire.send({ type: 'phase', ...about, phase: next.phase, at: next.at })) return null;
      this.#phasesSent++;
    }
    this.#log.rewindIfStalled(this.now());
    if (this.#metrics.rewindIfStalled(this.now())) this.#metricOffset = metricOffset(attempt, this.#metrics.sent);
    this.#sendMetrics(wire);
    const waitMs = this.#sendLog(wire);
    const isDurable = this.#log.acked >= attempt.logBytes && this.#metrics.acked >= attempt.metricCount;
    if (attempt.exit && isDurable) this.#sendExit(wire);
    const now = this.now();
    return soonest(waitMs, this.#log.stallsInMs(now), this.#metrics.stallsInMs(now));
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #sendLog(wire: Wire): number | null {
    const { attempt } = this;
    for (;;) {
      const unsent = attempt.logBytes - this.#log.sent;
      if (unsent <= 0) return null;
      if (this.#log.inFlight >= LOG_WINDOW_BYTES) return null;
      if (wire.bufferedBytes > SOCKET_BYTES) return GATHER_MS;
      const sinceMs = this.now() - this.#lastLogAt;
      if (unsent < LOG_FRAME_BYTES && !attempt.exit && sinceMs < GATHER_MS) return GATHER_MS - sinceMs;
      const data = this.#read(Math.min(unsent, LOG_FRAME_BYTES));
      if (!data) return null;
      const frame: FrameOf<'log'> = {
        type: 'log',
        attemptId: attempt.id,
        token: attempt.spec.token,
        offset: this.#log.sent,
        data: data.toString('base64'),
      };
      if (!wire.send(frame)) return null;
      this.#lastLogAt = this.now();
      this.#log.advance(data.length, this.#lastLogAt);
    }
  }

  #sendMetrics(wire: Wire): void {
    const { attempt } = this;
    while (this.#metrics.sent < attempt.metricCount && this.#metrics.inFlight < METRIC_WINDOW) {
      const { lines, offset } = readLines(attempt.dir.metrics, this.#metricOffset, METRIC_FRAME_POINTS);
      if (lines.length === 0) {
        this.#metricOffset = offset;
        return;
      }
      const points = lines.map(toPoint);
      if (
        !wire.send({
          type: 'metrics',
          attemptId: attempt.id,
          token: attempt.spec.token,
          seq: this.#metrics.sent,
          points,
        })
      )
        return;
      this.#metrics.advance(lines.length, this.now());
      this.#metricOffset = offset;
    }
  }

  #sendExit(wire: Wire): void {
    const { attempt } = this;
    if (this.#isExitSent || !attempt.exit) return;
    this.#isExitSent = wire.send({
      type: 'exit',
      attemptId: attempt.id,
      token: attempt.spec.token,
      exit: attempt.exit,
    });
  }

  #read(length: number): Buffer | null {
    try {
      this.#fd ??= openSync(this.attempt.dir.log, 'r');
      const buffer = Buffer.allocUnsafe(length);
      const got = readSync(this.#fd, buffer, 0, length, this.#log.sent);
      return got > 0 ? buffer.subarray(0, got) : null;
    } catch {
      return null;
    }
  }
}

function soonest(...waits: (number | null)[]): number | null {
  const some = waits.filter((waitMs) => waitMs !== null);
  return some.length === 0 ? null : Math.min(...some);
}

type Point = FrameOf<'metrics'>['points'][number];

// A line that is no point (a job can write into its own files) still has an index, so something must stand in its place.
function toPoint(line: string): Point {
  try {
    const { name, value, step, at } = JSON.parse(line) as Partial<Point>;
    // 1e999 is a number in JSON and Infinity once read.
    const carried = typeof value === 'number' ? toWireNumber(value) : value;
    const isValue =
      typeof carried === 'number' || carried === 'NaN' || carried === 'Infinity' || carried === '-Infinity';
    if (typeof name === 'string' && name.length <= 100 && isValue)
      return {
        name,
        value: carried,
        ...(Number.isSafeInteger(step) && (step as number) >= 0 ? { step } : {}),
        ...(typeof at === 'string' && isWireTime(at) ? { at } : {}),
      };
  } catch {
    // not even JSON
  }
  return { name: 'unreadable', value: 'NaN' };
}
