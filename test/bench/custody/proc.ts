import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of a process so far, in seconds: user and system, its threads included, its children not. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Memory of a process in bytes: its own pages, and its share of those that it has in common with others. */
export function pssBytes(pid: number): number {
  const match = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
  return Number(match?.[1] ?? Number.NaN) * 1024;
}

export function childrenOf(parent: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent ? [Number(name)] : [];
    } catch {
      return []; // it has just gone
    }
  });
}

/** Share of one core that some processes take, measured between two calls; one that has gone counts for nothing. */
export function cpuMeter(pids: () => number[]): () => number {
  const read = () => new Map(pids().map((pid) => [pid, quietly(() => cpuSeconds(pid))]));
  let before = read();
  let at = performance.now();
  return () => {
    const now = read();
    const seconds = (performance.now() - at) / 1000;
    let used = 0;
    for (const [pid, cpu] of now) used += cpu - (before.get(pid) ?? cpu);
    before = now;
    at = performance.now();
    return used / seconds;
  };
}

function quietly(read: () => number): number {
  try {
    return read();
  } catch {
    return 0;
  }
}
