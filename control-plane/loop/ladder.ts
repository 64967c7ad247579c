import type { ModelSpec, Spec, TrajectoryRecord } from '@nightshift/protocol';

/**
 * Which step of the ladder of models a run should stand on: one up when so many measured iterations since the last step brought no
 * keep. One-way: a stronger model that once was needed is not taken away.
 */
export function ladderStep(
  spec: Spec['proposer'],
  current: number,
  since: number,
  records: readonly TrajectoryRecord[],
): number {
  if (!spec.ladder || current >= spec.ladder.models.length) return current;
  const measured = records.filter((record) => record.iteration > since && record.metric !== null);
  const lastKeep = measured.findLastIndex((record) => record.outcome === 'kept');
  return measured.length - 1 - lastKeep >= spec.ladder.after ? current + 1 : current;
}

/** The model that proposes on a step: 0 is the spec's own. */
export function modelOnStep(spec: Spec['proposer'], step: number): ModelSpec | null {
  return step === 0 ? spec.model : (spec.ladder?.models[step - 1] ?? spec.model);
}
