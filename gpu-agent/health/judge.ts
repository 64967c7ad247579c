import type { BoxFacts, BoxHealth, Telemetry } from '@nightshift/protocol';
import type { GpuReading } from '../telemetry/nvidia-smi.js';
import { isStuckGpu } from '../telemetry/stuck-gpu.js';

export type Problem = BoxHealth['problems'][number];
type GpuFact = BoxFacts['gpus'][number];

/** Readings in a row that say the same before it is believed: one may fall between two kernels of a job, or into its warm-up. */
const IN_A_ROW = 3;
/** Above this every maker throttles or is about to. */
const HOT_C = 95;

/**
 * What is wrong when nvidia-smi does not answer as it should. `known` are the GPUs that it has told of before: without any, a failing
 * nvidia-smi only says that this box has no GPU to offer, which its facts say already.
 */
export function judgeReading(reading: GpuReading, known: readonly GpuFact[]): Problem[] {
  switch (reading.status) {
    case 'hung':
      return [{ code: 'gpu_hung', detail: 'nvidia-smi did not answer and was killed: the driver is wedged' }];
    case 'mismatch':
      return [
        {
          code: 'gpu_driver_mismatch',
          detail: `the driver was upgraded under the running kernel, reboot: ${reading.detail}`.slice(0, 500),
        },
      ];
    case 'failed':
      return known.length === 0
        ? []
        : [{ code: 'gpu_failed', detail: `nvidia-smi fails: ${reading.detail}`.slice(0, 500) }];
    case 'absent':
      return known.length === 0 ? [] : [{ code: 'gpu_gone', detail: 'nvidia-smi is no longer there' }];
    case 'ok': {
      // A lost GPU keeps its row, and has `[GPU is lost]` for a name.
      const here = new Set(reading.gpus.filter((gpu) => !gpu.name.startsWith('[')).map((gpu) => gpu.index));
      const gone = known.filter((gpu) => !here.has(gpu.index));
      return gone.length === 0
        ? []
        : [{ code: 'gpu_gone', detail: `no longer there: ${gone.map((gpu) => gpu.name).join(', ')}`.slice(0, 500) }];
    }
  }
}

/** Counts readings that say a GPU is stuck or hot. `add` gives the problems that have been seen often enough in a row. */
export class SampleJudge {
  readonly #stuck = new Map<number, number>();
  readonly #hot = new Map<number, number>();

  add(sample: Telemetry, gpus: readonly GpuFact[]): Problem[] {
    const problems: Problem[] = [];
    for (const figures of sample.gpus) {
      const { index, utilization, smClockMhz, powerWatts, temperatureC } = figures;
      const name = gpus.find((gpu) => gpu.index === index)?.name ?? '';
      const isStuck = isStuckGpu({ ...figures, name });
      // A reading that cannot tell neither adds to a row of them nor ends it.
      if (isStuck !== null && count(this.#stuck, index, isStuck) >= IN_A_ROW)
        problems.push({
          code: 'gpu_stuck',
          detail: `${name} is at ${utilization}% with ${smClockMhz ?? '?'} MHz and ${powerWatts ?? '?'} W: take it off the mains for a minute`,
        });
      if (count(this.#hot, index, temperatureC !== null && temperatureC >= HOT_C) >= IN_A_ROW)
        problems.push({ code: 'gpu_hot', detail: `${name || `GPU ${index}`} has ${temperatureC} °C` });
    }
    return problems;
  }

  /** Whether the last readings say that every GPU is below the heat that `add` complains of. */
  get isCool(): boolean {
    return [...this.#hot.values()].every((n) => n === 0);
  }
}

function count(counts: Map<number, number>, index: number, isSo: boolean): number {
  const n = isSo ? (counts.get(index) ?? 0) + 1 : 0;
  counts.set(index, n);
  return n;
}
