import type { Telemetry } from '@nightshift/protocol';
import { readHost } from './host.js';
import type { GpuReading } from './nvidia-smi.js';

/** One telemetry sample from what the host and the GPUs said. */
export function toTelemetry(reading: GpuReading, home: string, attemptId: string | null): Telemetry {
  return {
    at: new Date().toISOString(),
    ...readHost(home),
    gpus:
      reading.status === 'ok'
        ? reading.gpus.slice(0, 64).map((gpu) => ({
            index: gpu.index,
            utilization: gpu.utilization,
            memoryUsedBytes: gpu.memoryUsedBytes,
            powerWatts: gpu.powerWatts,
            temperatureC: gpu.temperatureC,
            smClockMhz: gpu.smClockMhz,
          }))
        : [],
    attemptId,
  };
}
