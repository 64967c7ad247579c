/** The figures asked of nvidia-smi, in the order of its CSV columns (`--format=csv,noheader,nounits`). */
export const GPU_FIELDS = [
  'index',
  'name',
  'driver_version',
  'memory.total',
  'memory.used',
  'utilization.gpu',
  'power.draw',
  'temperature.gpu',
  'clocks.sm',
] as const;

export interface GpuRow {
  index: number;
  name: string;
  driver: string | null;
  memoryTotalBytes: number | null;
  memoryUsedBytes: number | null;
  utilization: number | null;
  powerWatts: number | null;
  temperatureC: number | null;
  smClockMhz: number | null;
}

const MIB = 1_048_576;

/**
 * Reads the rows of `nvidia-smi --query-gpu`. A figure that the hardware does not give ([N/A], [Not Supported],
 * [Unknown Error], [GPU is lost]) is null and costs only itself, never its row.
 */
export function parseGpuRows(csv: string): GpuRow[] {
  return csv.split('\n').flatMap((line, at) => {
    const cells = line.split(',').map((cell) => cell.trim());
    if (cells.length < GPU_FIELDS.length) return [];
    const [index, name, driver, total, used, utilization, power, temperature, clock] = cells;
    const mebibytes = (cell: string | undefined) => {
      const value = number(cell);
      return value === null ? null : Math.round(value * MIB);
    };
    return [
      {
        index: number(index) ?? at,
        name: name ?? '',
        driver: text(driver),
        memoryTotalBytes: mebibytes(total),
        memoryUsedBytes: mebibytes(used),
        utilization: number(utilization),
        powerWatts: number(power),
        temperatureC: number(temperature),
        smClockMhz: number(clock),
      },
    ];
  });
}

/** Rows of `--query-compute-apps=pid,used_memory`: bytes of GPU memory by pid. */
export function parseComputeApps(csv: string): Map<number, number> {
  const apps = new Map<number, number>();
  for (const line of csv.split('\n')) {
    const [pid, used] = line.split(',').map((cell) => number(cell.trim()));
    if (pid && used !== null && used !== undefined) apps.set(pid, (apps.get(pid) ?? 0) + Math.round(used * MIB));
  }
  return apps;
}

/**
 * Whether a GPU shares the host's memory. Only a recognised integrated device counts: "not supported" alone may as
 * well be a lost GPU, a driver that does not match, or a MIG slice.
 */
export function isUnifiedGpu(name: string): boolean {
  return /\b(?:GB10|N1X|Orin|Xavier|Thor|Jetson)\b/i.test(name);
}

/** "Driver/library version mismatch" after an upgrade: a state of its own, which only a reboot ends. */
export function isDriverMismatch(output: string): boolean {
  return /Driver\/library version mismatch/i.test(output);
}

function text(cell: string | undefined): string | null {
  return cell === undefined || cell === '' || cell.startsWith('[') || cell === 'N/A' ? null : cell;
}

function number(cell: string | undefined): number | null {
  const plain = text(cell)?.replace(/\s*(?:MiB|W|%|MHz|C)$/, '');
  if (plain === undefined || !/^-?\d+(?:\.\d+)?$/.test(plain)) return null;
  return Number(plain);
}
