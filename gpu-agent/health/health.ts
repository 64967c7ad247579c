import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxFacts, BoxHealth, Telemetry } from '@nightshift/protocol';
import { z } from 'zod';
import { bootId } from '../process/table.js';
import { writeAtomic } from '../spool/atomic.js';
import type { GpuReading } from '../telemetry/nvidia-smi.js';
import { judgeReading, SampleJudge, type Problem } from './judge.js';

const keptSchema = z.object({ boot: z.string(), detail: z.string() });

/**
 * What is wrong with this box, from everything that is read anyway. Stuck clocks show only under load, and a box without work has none:
 * they stay a problem until the box was started anew, or its owner asks to look again (`nightshift boxes clean`).
 */
export class Health {
  readonly #path: string;
  readonly #judge = new SampleJudge();
  #ofReading: Problem[] = [];
  #hot: Problem | null = null;
  #stuck: Problem | null;
  #occupied: Problem | null = null;

  constructor(home: string) {
    this.#path = join(home, 'health.json');
    this.#stuck = readKept(this.#path);
  }

  get state(): BoxHealth {
    const problems = [...this.#ofReading, this.#stuck, this.#hot, this.#occupied].filter((problem) => problem !== null);
    return { ok: problems.length === 0, problems: problems.slice(0, 20) };
  }

  read(reading: GpuReading, gpus: BoxFacts['gpus']): void {
    this.#ofReading = judgeReading(reading, gpus);
  }

  sampled(samples: readonly Telemetry[], gpus: BoxFacts['gpus']): void {
    for (const sample of samples) {
      const problems = this.#judge.add(sample, gpus);
      this.#hot = problems.find((problem) => problem.code === 'gpu_hot') ?? (this.#judge.isCool ? null : this.#hot);
      const stuck = problems.find((problem) => problem.code === 'gpu_stuck');
      if (!stuck || this.#stuck) continue;
      this.#stuck = stuck;
      writeAtomic(this.#path, JSON.stringify({ boot: bootId(), detail: stuck.detail }));
    }
  }

  /** Who else computes on the GPUs; null when nobody does. */
  occupiedBy(detail: string | null): void {
    this.#occupied = detail === null ? null : { code: 'gpu_occupied', detail: detail.slice(0, 500) };
  }

  lookAgain(): void {
    this.#stuck = null;
    rmSync(this.#path, { force: true });
  }
}

function readKept(path: string): Problem | null {
  try {
    const kept = keptSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return kept.boot === bootId() ? { code: 'gpu_stuck', detail: kept.detail.slice(0, 500) } : null;
  } catch {
    return null; // never stuck, or not readable: the next load shows it
  }
}
