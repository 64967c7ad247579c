import { fileURLToPath } from 'node:url';
import type { JobSpec } from '@nightshift/protocol';

/** The folder of the fixture programs: the source of every test job. */
export const FIXTURES = fileURLToPath(new URL('../../test/fixtures/jobs', import.meta.url));

let made = 0;

/** A job over the fixture programs, with short clocks; what a test cares about is passed in. */
export function jobSpec(over: Partial<JobSpec> = {}): JobSpec {
  const attemptId = `att-${process.pid}-${Date.now().toString(36)}-${made++}`;
  return {
    attemptId,
    token: `token-${attemptId}`,
    jobId: `job-${attemptId}`,
    runId: 'run-1',
    project: 'fixtures',
    role: 'candidate',
    source: { kind: 'path', path: FIXTURES },
    setup: null,
    train: 'node metric.mjs',
    evaluate: null,
    budgetMs: 20_000,
    limitMs: 30_000,
    graceMs: 300,
    env: {},
    config: { lr: 0.001 },
    metric: { name: 'val_loss', goal: 'minimize', bounds: null },
    seed: 7,
    ...over,
  };
}
