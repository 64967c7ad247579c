import type { Spec } from './spec.js';

/** What a valid spec asks for and cannot have, in sentences for whoever starts the run. */
export function specWarnings({ proposer, stop }: Pick<Spec, 'proposer' | 'stop'>): string[] {
  const warnings: string[] = [];
  if (proposer.kind === 'hybrid' && proposer.model === null)
    warnings.push('proposer.kind: hybrid, and no proposer.model: the sampler proposes alone');
  const models = [proposer.model, proposer.critic, ...(proposer.ladder?.models ?? [])].filter(
    (model) => model !== null,
  );
  const isPriced = models.some((model) => model.inputUsdPerMillion !== null || model.outputUsdPerMillion !== null);
  if (stop.modelCostUsd !== null && !isPriced)
    warnings.push(
      'stop.modelCostUsd never holds: no model has a price (inputUsdPerMillion, outputUsdPerMillion of proposer.model)',
    );
  return warnings;
}
