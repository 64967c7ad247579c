import type { GpuRow } from './parse-nvidia-smi.js';

/**
 * What readings of a busy GPU say about a result's worth: median SM clock and power, and `gpuHealth: throttled` when most
 * readings above 90% utilisation had a clock below 1 GHz or, on a GB10, a power below 20 W. That is the stuck low-power
 * state, which no throttle flag shows and which makes a result under a fixed time budget incomparable.
 */
export function gpuFigures(busy: readonly GpuRow[]): Record<string, string> {
  const figures: Record<string, string> = {};
  const clock = median(busy.map((row) => row.smClockMhz));
  const power = median(busy.map((row) => row.powerWatts));
  if (clock !== null) figures['gpuSmClockMhz'] = String(clock);
  if (power !== null) figures['gpuPowerWatts'] = String(power);
  const full = busy.filter((row) => (row.utilization ?? 0) > 90);
  const stuck = full.filter(
    (row) =>
      (row.smClockMhz !== null && row.smClockMhz < 1000) ||
      (/\bGB10\b/.test(row.name) && row.powerWatts !== null && row.powerWatts < 20),
  );
  if (full.length > 0) figures['gpuHealth'] = stuck.length * 2 > full.length ? 'throttled' : 'ok';
  return figures;
}

function median(values: (number | null)[]): number | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
