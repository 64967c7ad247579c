import { arch, cpus, hostname, platform, release, totalmem } from 'node:os';
import type { BoxFacts } from '@nightshift/protocol';
import { readGpus } from './nvidia-smi.js';
import { isUnifiedGpu } from './parse-nvidia-smi.js';

export const AGENT_VERSION = '0.1.0';

/** What a box says of itself when it is enrolled and at each connection. */
export async function readFacts(): Promise<BoxFacts> {
  const reading = await readGpus();
  return {
    hostname: hostname().slice(0, 255),
    os: `${platform()} ${release()}`.slice(0, 100),
    arch: arch(),
    cpus: Math.max(1, cpus().length),
    memoryBytes: totalmem(),
    gpus:
      reading.status === 'ok'
        ? reading.gpus.slice(0, 64).map((gpu) => {
            const isUnified = isUnifiedGpu(gpu.name);
            return {
              index: gpu.index,
              name: gpu.name,
              memoryBytes: gpu.memoryTotalBytes ?? (isUnified ? totalmem() : null),
              isUnified,
              driver: gpu.driver,
            };
          })
        : [],
    node: process.version,
    agentVersion: AGENT_VERSION,
  };
}
