import { formatDuration } from '@nightshift/protocol';
import { countText } from '../trajectory/wording.js';
import type { LoopState } from './loop-state.js';

export type StopReason = 'iterations' | 'wall' | 'target' | 'plateau' | 'energy' | 'model_cost';

/** The first stop condition of the spec that holds, with a sentence for people; null while the run may go on. Pure. */
export function stopReason(
  state: Pick<LoopState, 'run' | 'now' | 'iterations' | 'figures'>,
): { reason: StopReason; detail: string } | null {
  const { run, now, figures, iterations } = state;
  const { stop, metric } = run.spec;
  if (stop.target !== null && figures.incumbentMean !== null) {
    const isReached =
      metric.goal === 'minimize' ? figures.incumbentMean <= stop.target : figures.incumbentMean >= stop.target;
    if (isReached)
      return { reason: 'target', detail: `${metric.name} ${figures.incumbentMean} reached the target ${stop.target}` };
  }
  if (stop.wallMs !== null && run.startedAt !== null && now.getTime() - run.startedAt.getTime() >= stop.wallMs)
    return { reason: 'wall', detail: `${formatDuration(stop.wallMs)} of wall time are over` };
  if (stop.energyKwh !== null && figures.energyKwh !== null && figures.energyKwh >= stop.energyKwh)
    return { reason: 'energy', detail: `${figures.energyKwh.toFixed(3)} kWh of ${stop.energyKwh} kWh are used` };
  if (stop.modelCostUsd !== null && figures.modelCostUsd !== null && figures.modelCostUsd >= stop.modelCostUsd)
    return {
      reason: 'model_cost',
      detail: `the model has cost ${figures.modelCostUsd.toFixed(2)} USD of ${stop.modelCostUsd} USD`,
    };
  if (stop.plateau !== null && figures.measuredSinceKeep !== null && figures.measuredSinceKeep >= stop.plateau)
    return {
      reason: 'plateau',
      detail: `${countText(figures.measuredSinceKeep, 'measured iteration')} without a keep`,
    };
  if (stop.iterations !== null && iterations >= stop.iterations)
    return {
      reason: 'iterations',
      detail: `${iterations} of ${countText(stop.iterations, 'iteration')} ${iterations === 1 ? 'is' : 'are'} done`,
    };
  return null;
}
