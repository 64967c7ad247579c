import type { Decision, IterationState, Screening } from '@nightshift/protocol';
import type { ScreenRecord } from '../decision/screen-worth.js';

/** The candidates that were measured at both budgets: what the cheap one said of them, and what was decided. */
export function screenPairs(
  screened: readonly { state: IterationState; screening: Screening; decision: Decision | null }[],
): ScreenRecord[] {
  return screened.flatMap(({ state, screening, decision }): ScreenRecord[] => {
    const [cheap, full, bar] = [screening.effect, decision?.effect ?? null, screening.bar];
    if (cheap === null || full === null || bar === null) return [];
    return [{ cheap, full, isKept: state === 'kept', looksWorse: cheap < bar }];
  });
}
