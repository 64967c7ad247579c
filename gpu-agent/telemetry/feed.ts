import { telemetrySchema, type Telemetry } from '@nightshift/protocol';
import type { Attempt } from '../spool/attempt.js';
import { readLines } from '../spool/read-lines.js';
import { readGpus, type GpuReading } from './nvidia-smi.js';
import { toTelemetry } from './sample.js';

/** Samples that one heartbeat carries. */
const PER_BEAT = 50;
/** How soon a GPU is found that was not there, or not ready, when the agent started. */
const PRESENCE_MS = 60_000;

/**
 * Telemetry for the heartbeats: what the runners of running jobs have written, or a reading of its own while none runs.
 * nvidia-smi is asked by one process at a time, and never waited for: its answer goes with the next heartbeat.
 */
export class TelemetryFeed {
  readonly #offsets = new Map<string, number>();
  #own: Telemetry | null = null;
  #isReading = false;
  #lastAskedMs = -Infinity;

  constructor(
    private readonly home: string,
    private readonly on: {
      /** Whether the box has told of a GPU: without one nvidia-smi is asked only now and then. */
      hasGpu: () => boolean;
      onReading: (reading: GpuReading) => void | Promise<void>;
    },
  ) {}

  take(attempts: Attempt[]): Telemetry[] {
    const samples: Telemetry[] = [];
    for (const attempt of attempts) {
      const { lines, offset } = readLines(
        attempt.dir.telemetry,
        this.#offsets.get(attempt.id) ?? 0,
        PER_BEAT - samples.length,
      );
      this.#offsets.set(attempt.id, offset);
      for (const line of lines) {
        const sample = parse(line);
        if (sample) samples.push(sample);
      }
    }
    if (attempts.some((attempt) => attempt.exit === null)) return samples;
    if (this.#own && samples.length < PER_BEAT) samples.push(this.#own);
    this.#own = null;
    void this.#read();
    return samples;
  }

  forget(attemptId: string): void {
    this.#offsets.delete(attemptId);
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const isDue = this.on.hasGpu() || performance.now() - this.#lastAskedMs > PRESENCE_MS;
      let reading: GpuReading = { status: 'absent' };
      if (isDue) {
        this.#lastAskedMs = performance.now();
        reading = await readGpus();
        await this.on.onReading(reading);
      }
      this.#own = toTelemetry(reading, this.home, null);
    } finally {
      this.#isReading = false;
    }
  }
}

function parse(line: string): Telemetry | null {
  try {
    const parsed = telemetrySchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // the torn end of a file that a crash left
  }
}
