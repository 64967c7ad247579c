/** What the agent tells a runner besides the job itself: one JSON line on its standard input, with the job's directory. */
export interface RunnerOptions {
  /** The agent's home: caches lie in it. */
  home: string;
  /** Jobs that the box runs at a time. */
  slots: number;
  logLimitBytes: number;
  metricLimit: number;
  /** Free memory below which the job is ended before the host freezes; null: no guard. */
  memoryFloorBytes: number | null;
  /** Space on the job's disk below which the job is ended before the disk is full. */
  diskFloorBytes: number;
  telemetryMs: number;
  maxSourceFiles: number;
  maxSourceBytes: number;
  /** The box's first GPU, as the agent read it: asking nvidia-smi again would delay the start of every job. */
  gpu: { name: string; driver: string | null } | null;
  /** How edited code is confined here. */
  sandbox: SandboxOptions;
}
export interface SandboxOptions {
  /** Bubblewrap, tried and found to work; null where there is none. */
  bwrap: string | null;
  /** Why there is none, and what changes that. */
  problem: string | null;
  /** The owner's policy: no edited code without a sandbox. */
  isRequired: boolean;
  /** The owner's word on the network; null leaves it to the spec, which has none unless it asks. */
  network: boolean | null;
  /** Paths that edited code must not see, such as held-out data. The evaluator sees them. */
  hide: string[];
}
export interface RunnerTask {
  dir: string;
  options: RunnerOptions;
  /** Signs the account of the end. It is in no file of the job and in no environment. */
  proofKey: string;
}
