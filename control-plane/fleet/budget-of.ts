import type { JobRole, Spec } from '@nightshift/protocol';

/** What a job may train for, and the limit of the whole job: a screening has the cheap budget and the same time around it. */
export function budgetOf(spec: Spec, role: JobRole): { budgetMs: number; limitMs: number } {
  const { budgetMs, limitMs } = spec.job;
  const cheapMs = role === 'screen' ? spec.fidelity?.screen?.budgetMs : undefined;
  return cheapMs === undefined ? { budgetMs, limitMs } : { budgetMs: cheapMs, limitMs: limitMs - budgetMs + cheapMs };
}
