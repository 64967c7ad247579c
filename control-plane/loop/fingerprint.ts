import { createHash } from 'node:crypto';
import type { BoxFacts, ExitRecord } from '@nightshift/protocol';

/**
 * What a runner tells that does not change a number: the commit (the source's hash says more), the agent's Node, the
 * host's name (the box has an id), what a person did in the source folder since the run began, and medians of clock and power, which differ a little from job to job: whether the clocks were stuck
 * is `gpuHealth`. Everything else that it tells counts, versions of frameworks among it.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  'commit',
  'node',
  'hostname',
  'sourceFolder',
  'gpuSmClockMhz',
  'gpuPowerWatts',
]);
const GIB = 2 ** 30;

/**
 * The part of a fingerprint that is known before a job runs: 8 hex digits of SHA-256 over the box and its hardware. Memory is
 * counted in whole GiB, because what a kernel keeps for itself differs by a few pages from start to start.
 */
export function boxFingerprint(box: { id: string; facts: BoxFacts | null }): string {
  const facts = box.facts && {
    arch: box.facts.arch,
    cpus: box.facts.cpus,
    gpus: box.facts.gpus.map((gpu) => [
      gpu.index,
      gpu.name,
      gpu.memoryBytes === null ? null : Math.round(gpu.memoryBytes / GIB),
      gpu.driver,
    ]),
  };
  return short([box.id, facts]);
}

/**
 * The fingerprint of a measurement, `<box>-<job>`: equal for two of one run exactly when their numbers may be compared. The job's
 * part is over its budget and what its runner told (source, evaluator, setup, GPU, driver, versions).
 */
export function fingerprintOf(
  box: { id: string; facts: BoxFacts | null },
  job: { budgetMs: number; told: ExitRecord['fingerprint'] },
): string {
  const told = Object.entries(job.told)
    .filter(([name, value]) => !HARMLESS.has(name) && !(name === 'gpuHealth' && value === 'ok'))
    // "KEY OUTCOME": whether setup ran or came from the cache makes no difference.
    .map(([name, value]) => [name, name === 'setup' ? value.split(' ')[0] : value])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0));
  return `${boxFingerprint(box)}-${short([job.budgetMs, told])}`;
}

function short(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
}
