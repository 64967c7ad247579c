import { arch, cpus, hostname, platform, release, totalmem } from 'node:os';
import { JOB_ROLES, type BoxFacts } from '@nightshift/protocol';
import { readGpus, type GpuReading } from './nvidia-smi.js';
import { isUnifiedGpu, type GpuRow } from './parse-nvidia-smi.js';

export const AGENT_VERSION = '0.1.0';

/** What a box says of itself when it is enrolled and at each connection. */
export async function readFacts(): Promise<BoxFacts> {
  return factsOf(await readGpus());
}

export function factsOf(reading: GpuReading): BoxFacts {
  return {
    hostname: hostname().slice(0, 255),
    os: `${platform()} ${release()}`.slice(0, 100),
    arch: arch(),
    cpus: Math.max(1, cpus().length),
    memoryBytes: totalmem(),
    gpus: reading.status === 'ok' ? gpuFacts(reading.gpus) : [],
    node: process.version,
    agentVersion: AGENT_VERSION,
    roles: [...JOB_ROLES],
  };
}

export function gpuFacts(rows: readonly GpuRow[]): BoxFacts['gpus'] {
  return rows.slice(0, 64).map((gpu) => {
    const isUnified = isUnifiedGpu(gpu.name);
    return {
      index: gpu.index,
      name: gpu.name,
      memoryBytes: gpu.memoryTotalBytes ?? (isUnified ? totalmem() : null),
      isUnified,
      driver: gpu.driver,
    };
  });
}
