import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { MetricPoint } from '@nightshift/protocol/metrics';

/** Names that the wire has room for. */
const MAX_NAME = 100;

/**
 * `metrics.jsonl`: every metric point of a job, one JSON object a line, in the order in which they were seen. Bounded:
 * past the limit only the last value of each name is remembered, and the job's own metric is written at the end.
 */
export class MetricLog {
  #fd: number;
  #count = 0;
  #dropped = 0;
  #last = new Map<string, number>();

  constructor(
    path: string,
    private readonly limit: number,
    private readonly onDiskFull: (error: NodeJS.ErrnoException) => void,
  ) {
    this.#fd = openSync(path, 'a', 0o600);
  }
  get count(): number {
    return this.#count;
  }
  get dropped(): number {
    return this.#dropped;
  }

  add(points: MetricPoint[]): void {
    if (points.length === 0) return;
    const at = new Date().toISOString();
    const lines: string[] = [];
    for (const point of points) {
      if (this.#last.size < 1000 || this.#last.has(point.name)) this.#last.set(point.name, point.value);
      if (this.#count + lines.length < this.limit) lines.push(line(point, at));
      else this.#dropped++;
    }
    this.#write(lines);
  }

  /** The last value of a name since `forget`; undefined when there was none. */
  last(name: string): number | undefined {
    return this.#last.get(name);
  }

  /** The last values since `forget`, the first names that were seen, at most `limit` of them. */
  lastValues(limit: number): [string, number][] {
    return [...this.#last].filter(([name]) => name.length <= MAX_NAME).slice(0, limit);
  }

  /** Starts a phase anew: what an earlier phase reported does not count for it. */
  forget(): void {
    this.#last.clear();
  }

  /** Makes the file durable; when points were dropped, the metric's last value is added so that the record holds it. */
  close(metric: string): void {
    const value = this.#last.get(metric);
    if (this.#dropped > 0 && value !== undefined)
      this.#write([line({ name: metric, value }, new Date().toISOString())]);
    try {
      fsyncSync(this.#fd);
    } catch {
      // a full disk was reported by the write already
    }
    closeSync(this.#fd);
  }

  #write(lines: string[]): void {
    if (lines.length === 0) return;
    try {
      const bytes = Buffer.from(lines.join(''));
      for (let at = 0; at < bytes.length;) at += writeSync(this.#fd, bytes, at);
      this.#count += lines.length;
    } catch (error) {
      this.onDiskFull(error as NodeJS.ErrnoException);
    }
  }
}

// NaN and the infinities as the words that the wire has for them.
function line({ name, value, step }: MetricPoint, at: string): string {
  return `${JSON.stringify({ name, value: Number.isFinite(value) ? value : String(value), step, at })}\n`;
}
