import { closeSync, constants, openSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { parseMetricJson, type MetricPoint } from '@nightshift/protocol/metrics';

/** One read; and the longest line that can be a metric. */
const READ_BYTES = 262_144;
const LINE_LIMIT = 65_536;
const POLL_MS = 250;
/** Read at the end of a phase at most: a file that grew faster than this has long been past any use. */
const FINAL_BYTES = 67_108_864;

/**
 * Follows the file that a phase was given as NIGHTSHIFT_METRICS. Made empty at the start of the phase, so that an
 * earlier phase cannot have written the evaluator's number into it.
 */
export class ReportedFile {
  #offset = 0;
  #pending = '';
  #isTooLong = false;
  #timer: NodeJS.Timeout;
  readonly #buffer = Buffer.alloc(READ_BYTES);

  constructor(
    private readonly path: string,
    private readonly onPoints: (points: MetricPoint[]) => void,
  ) {
    rmSync(path, { force: true, recursive: true });
    writeFileSync(path, '', { mode: 0o600 });
    this.#timer = setInterval(() => this.#read(READ_BYTES * 4), POLL_MS);
  }

  /** Reads what is left, a last line without a newline included. */
  close(): void {
    clearInterval(this.#timer);
    this.#read(FINAL_BYTES);
    if (this.#pending && !this.#isTooLong) {
      const point = parseMetricJson(this.#pending);
      if (point) this.onPoints([point]);
    }
  }

  #read(limit: number): void {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    if (size === this.#offset) return;
    let fd: number;
    try {
      // Not waiting: a job may have put a pipe in its place.
      fd = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      return; // removed by the job
    }
    try {
      for (let total = 0; total < limit;) {
        const got = readSync(fd, this.#buffer, 0, READ_BYTES, this.#offset);
        if (got === 0) return;
        this.#offset += got;
        total += got;
        this.#take(this.#buffer.toString('utf8', 0, got));
      }
    } catch {
      // a directory or a device in its place: nothing to read
    } finally {
      closeSync(fd);
    }
  }

  #take(text: string): void {
    const points: MetricPoint[] = [];
    const lines = text.split('\n');
    lines.forEach((part, i) => {
      if (!this.#isTooLong) this.#pending += part;
      if (this.#pending.length > LINE_LIMIT) {
        this.#isTooLong = true;
        this.#pending = '';
      }
      if (i === lines.length - 1) return;
      const point = this.#isTooLong || !this.#pending ? null : parseMetricJson(this.#pending);
      if (point) points.push(point);
      this.#pending = '';
      this.#isTooLong = false;
    });
    this.onPoints(points);
  }
}
