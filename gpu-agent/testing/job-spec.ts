import { fileURLToPath } from 'node:url';
import type { JobSpec } from '@nightshift/protocol';

/** The folder of the fixture programs: the source of every test job. */
export const FIXTURES = fileURLToPath(new URL('../../test/fixtures/jobs', import.meta.url));

let made = 0;

/**
 * A job over the fixture programs; what a test cares about is passed in. Its grace is one that a program which ends at INT never needs,
 * also on a busy machine: whoever tests what comes after INT gives a short one.
 */
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
    graceMs: 10_000,
    env: {},
    config: { lr: 0.001 },
    metric: { name: 'val_loss', goal: 'minimize', bounds: null },
    seed: 7,
    ...over,
  };
}
