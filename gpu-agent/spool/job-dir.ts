import { join } from 'node:path';

/** The files of one job, `<home>/jobs/<attemptId>/`. docs/box.md says who writes which, and when. */
export interface JobDir {
  path: string;
  spec: string;
  log: string;
  metrics: string;
  phases: string;
  telemetry: string;
  runner: string;
  cancel: string;
  stale: string;
  exit: string;
  work: string;
  /** Code mode: where the evaluator runs, and where a short run before the full one does. */
  evaluation: string;
  probe: string;
  /** Code mode: the editable files as the source has them, for the agent to send. */
  source: string;
  reserve: string;
  config: string;
}

export function jobDir(path: string): JobDir {
  return {
    path,
    spec: join(path, 'spec.json'),
    log: join(path, 'output.log'),
    metrics: join(path, 'metrics.jsonl'),
    phases: join(path, 'phases.jsonl'),
    telemetry: join(path, 'telemetry.jsonl'),
    runner: join(path, 'runner.json'),
    cancel: join(path, 'cancel.json'),
    stale: join(path, 'stale.json'),
    exit: join(path, 'exit.json'),
    work: join(path, 'work'),
    evaluation: join(path, 'eval'),
    probe: join(path, 'probe'),
    source: join(path, 'source.json'),
    reserve: join(path, 'reserve'),
    config: join(path, 'config.json'),
  };
}

/** An attempt's id names a directory: nothing that could climb out of it. */
export function isSafeId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id);
}
