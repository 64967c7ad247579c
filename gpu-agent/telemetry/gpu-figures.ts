import type { GpuRow } from './parse-nvidia-smi.js';
import { isStuckGpu } from './stuck-gpu.js';

/**
 * What readings of a busy GPU say about a result's worth: median SM clock and power, and `gpuHealth: throttled` when most readings
 * that can tell show a stuck GPU, which makes a result under a fixed time budget incomparable. No `gpuHealth` when none can tell.
 */
export function gpuFigures(busy: readonly GpuRow[]): Record<string, string> {
  const figures: Record<string, string> = {};
  const clock = median(busy.map((row) => row.smClockMhz));
  const power = median(busy.map((row) => row.powerWatts));
  if (clock !== null) figures['gpuSmClockMhz'] = String(clock);
  if (power !== null) figures['gpuPowerWatts'] = String(power);
  const judged = busy.map(isStuckGpu).filter((isStuck) => isStuck !== null);
  const stuck = judged.filter((isStuck) => isStuck);
  if (judged.length > 0) figures['gpuHealth'] = stuck.length * 2 > judged.length ? 'throttled' : 'ok';
  return figures;
}

function median(values: (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
