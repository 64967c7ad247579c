import type { BoxFacts, JobSpec, SourceFile } from '@nightshift/protocol';
import { budgetOf } from './budget-of.js';
import type { AttemptRow, JobRow, RunRow } from '@nightshift/db';

/** Everything that the box needs for one attempt. `overlay`: the editable files that it runs with, when they are not the source's own. */
export function jobSpecOf(
  run: RunRow,
  job: JobRow,
  attempt: Pick<AttemptRow, 'id' | 'token'>,
  overlay: SourceFile[] | null,
): JobSpec {
  const { spec } = run;
  return {
    attemptId: attempt.id,
    token: attempt.token,
    jobId: job.id,
    runId: run.id,
    project: spec.name,
    role: job.role,
    source: spec.source,
    setup: spec.job.setup,
    train: spec.job.train,
    evaluate: spec.job.evaluate,
    ...budgetOf(spec, job.role),
    graceMs: spec.job.graceMs,
    env: spec.job.env,
    config: job.config,
    metric: spec.metric,
    seed: job.seed,
    edit: spec.edit && { files: spec.edit.files, sealed: spec.edit.sealed, artifacts: spec.edit.artifacts },
    overlay,
    probeMs: overlay === null ? null : (spec.edit?.probeMs ?? null),
  };
}

/** The labels that jobs can ask for: the owner's, and what the box is. */
export function effectiveLabels(box: { name: string; labels: string[]; facts: BoxFacts | null }): string[] {
  const derived = [`box:${box.name}`];
  if (box.facts)
    derived.push(
      box.facts.gpus.length > 0 ? 'gpu' : 'cpu',
      box.facts.arch,
      ...box.facts.gpus.map((gpu) => gpu.name.toLowerCase()),
    );
  return [...new Set([...box.labels, ...derived])];
}
