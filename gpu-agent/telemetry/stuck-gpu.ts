/** At full load a well GB10 has 2.4 GHz and 54 W; stuck in its low-power state it has 600 to 850 MHz, or some 15 W. */
const STUCK_CLOCK_MHZ = 1000;
const STUCK_WATTS = 20;
/** A GPU that does less says nothing about its clocks. */
const FULL_UTILIZATION = 90;

export interface GpuLoad {
  name: string;
  /** Percent. */
  utilization: number | null;
  smClockMhz: number | null;
  powerWatts: number | null;
}

/**
 * Whether a reading shows the stuck low-power state, which no throttle flag tells of. Null when it says nothing about it: the GPU is
 * not at full load, or no GB10, and a GPU of another make may have lower clocks by design.
 */
export function isStuckGpu({ name, utilization, smClockMhz, powerWatts }: GpuLoad): boolean | null {
  if (!/\bGB10\b/.test(name) || (utilization ?? 0) <= FULL_UTILIZATION) return null;
  return (smClockMhz !== null && smClockMhz < STUCK_CLOCK_MHZ) || (powerWatts !== null && powerWatts < STUCK_WATTS);
}
