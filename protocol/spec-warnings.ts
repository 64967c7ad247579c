import type { Spec } from './spec.js';

/** What a valid spec asks for and cannot have, in sentences for whoever starts the run. */
export function specWarnings({
  proposer,
  stop,
  edit,
  fidelity,
}: Pick<Spec, 'proposer' | 'stop' | 'edit' | 'fidelity'>): string[] {
  const warnings: string[] = [];
  if (edit !== null && fidelity.earlyStop !== null)
    warnings.push(
      `fidelity.earlyStop reads ${fidelity.earlyStop.metric} as training prints it: where an edited file prints it, a kept patch can make later ones look hopeless`,
    );
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
