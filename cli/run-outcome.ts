import type { Decision } from '@nightshift/protocol';
import type { Iteration, Run } from './client.js';
import { countText } from '@nightshift/control-plane/trajectory/wording';
import { EXIT } from './exit-codes.js';

export interface RunOutcome {
  exitCode: number;
  /** One word for scripts. */
  outcome:
    | 'improved'
    | 'no_improvement'
    | 'inconclusive'
    | 'regression'
    | 'blocked'
    | 'baseline_failed'
    | 'infrastructure_failure'
    | 'box_lost'
    | 'budget_spent'
    | 'cancelled';
  /** One sentence for people. */
  sentence: string;
}

const BUDGETS = new Set(['wall', 'energy', 'model_cost']);

/**
 * What a run that has ended came to.
 * @param options.maxRegression a fraction: when nothing was kept and even the best candidate is worse than its comparator by more, that is
 *   a regression. Candidates that all left the metric's bounds are one too.
 */
export function runOutcome(
  run: Run,
  iterations: Iteration[],
  options: { maxRegression?: number | undefined } = {},
): RunOutcome {
  const end = run.endDetail ? `: ${run.endDetail}` : '';
  if (run.state === 'stopped') return result('cancelled', EXIT.cancelled, `the run was stopped${end}`);
  if (run.state === 'failed') {
    if (run.endReason === 'box_lost') return result('box_lost', EXIT.boxLost, `the box was lost${end}`);
    // A wrong file name, a missing command, a missing metric: nothing that another try or another box would mend.
    if (run.endReason === 'baseline_failed')
      return result('baseline_failed', EXIT.infrastructure, run.endDetail ?? 'the baseline could not be measured');
    return result('infrastructure_failure', EXIT.infrastructure, `the run failed${end}`);
  }
  const count = (state: Iteration['state']) => iterations.filter((iteration) => iteration.state === state).length;
  const kept = count('kept');
  if (kept > 0)
    return result(
      'improved',
      EXIT.improved,
      `${kept} of ${countText(iterations.length, 'iteration')} ${kept === 1 ? 'was' : 'were'} kept`,
    );
  const measured = iterations.filter(({ state }) => state === 'reverted' || state === 'inconclusive');
  const failed = iterations.filter(({ state }) => state === 'failed');
  if (measured.length + failed.length === 0) {
    if (count('blocked') > 0) return result('blocked', EXIT.blocked, 'every proposal was blocked');
    if (BUDGETS.has(run.endReason ?? ''))
      return result('budget_spent', EXIT.budgetSpent, `no candidate was decided${end}`);
  }
  if (isRegression(measured, failed, options.maxRegression))
    return result('regression', EXIT.regression, 'every candidate was worse than the bound allows');
  const open = count('inconclusive');
  if (open > 0)
    return result(
      'inconclusive',
      EXIT.inconclusive,
      `nothing was kept; ${countText(open, 'candidate')} could not be told from noise`,
    );
  return result('no_improvement', EXIT.noImprovement, `none of ${countText(iterations.length, 'iteration')} was kept`);
}

function isRegression(measured: Iteration[], failed: Iteration[], maxRegression: number | undefined): boolean {
  if (measured.length === 0)
    return (
      failed.length > 0 && failed.every(({ failure }) => failure === 'metric_out_of_bounds' || failure === 'diverged')
    );
  if (maxRegression === undefined) return false;
  return measured.every(({ decision }) => ((decision as Decision | null)?.effect ?? 0) < -maxRegression);
}

function result(outcome: RunOutcome['outcome'], exitCode: number, sentence: string): RunOutcome {
  return { exitCode, outcome, sentence };
}
