/** What the agent tells a runner besides the job itself: one JSON line on its standard input, with the job's directory. */
export interface RunnerOptions {
  /** The agent's home: caches lie in it. */
  home: string;
  logLimitBytes: number;
  metricLimit: number;
  /** Free memory below which the job is ended before the host freezes; null: no guard. */
  memoryFloorBytes: number | null;
  telemetryMs: number;
  maxSourceFiles: number;
  maxSourceBytes: number;
  /** The box's first GPU, as the agent read it: asking nvidia-smi again would delay the start of every job. */
  gpu: { name: string; driver: string | null } | null;
}
export interface RunnerTask {
  dir: string;
  options: RunnerOptions;
}
