import { readFileSync, statfsSync } from 'node:fs';
import { loadavg, totalmem } from 'node:os';

export interface HostReading {
  load1: number | null;
  memoryUsedBytes: number | null;
  memoryAvailableBytes: number | null;
  diskFreeBytes: number | null;
}

/** What new work can still get before the kernel has to take it from others; null where the system does not say. */
export function availableMemoryBytes(): number | null {
  try {
    const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null; // macOS: free pages there say nothing about what could be freed
  }
}

/** Processes that the kernel has killed for want of memory since it started; null where it does not count them. */
export function kernelOomKills(): number | null {
  try {
    const match = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'));
    return match ? Number(match[1]) : null;
  } catch {
    return null;
  }
}

/** What a file system can still take: bytes, and files where it counts them. */
export interface DiskSpace {
  bytes: number;
  files: number | null;
}

export function diskSpace(path: string): DiskSpace | null {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(path);
    return { bytes: bavail * bsize, files: files > 0 ? ffree : null };
  } catch {
    return null;
  }
}

export function diskFreeBytes(path: string): number | null {
  return diskSpace(path)?.bytes ?? null;
}

export function readHost(path: string): HostReading {
  const available = availableMemoryBytes();
  return {
    load1: loadavg()[0] ?? null,
    memoryUsedBytes: available === null ? null : Math.max(0, totalmem() - available),
    memoryAvailableBytes: available,
    diskFreeBytes: diskFreeBytes(path),
  };
}
