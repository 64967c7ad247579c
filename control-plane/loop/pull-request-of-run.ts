import { measurementOf, type CodeProposal } from '@nightshift/protocol';
import { listIterations, listMeasurements, type MeasurementRow, type Queryable, type RunRow } from '@nightshift/db';
import { estimateNoise, reportedBest } from '../decision/index.js';
import { pullRequest } from '../ledger/index.js';
import { earlierFacts } from '../trajectory/earlier-facts.js';
import { analyze, earlierMarkdown } from '../trajectory/index.js';
import { meanOf } from '../trajectory/measurements.js';
import { loadLedger } from './ledger-of-run.js';
import { findSourceChange, loadTrajectory } from './trajectory-of-run.js';
import { whereMostMeasured } from './where-most-measured.js';

/** The Markdown body of a pull request for what a run kept. @throws AppError illegal_state, as `loadLedger`. */
export async function loadPullRequest(q: Queryable, run: RunRow): Promise<string> {
  const ledger = await loadLedger(q, run);
  const iterations = await listIterations(q, run.id);
  const trajectory = await loadTrajectory(q, run);
  const earlier = earlierFacts(trajectory, analyze(trajectory));
  const groups = measuredGroups(whereMostMeasured(run.incumbentKey, await listMeasurements(q, run.id)));
  const { goal } = run.spec.metric;
  const { confirmation } = trajectory;
  const best = reportedBest({
    goal,
    groups,
    baselineKey: run.baselineKey,
    confirmation: confirmation && { key: run.incumbentKey, ...confirmation },
  });
  const patches = new Map(
    iterations.map(({ number, patch }) => [number, (patch as CodeProposal | null)?.patch ?? null]),
  );
  // What the claim is set against: the baseline beside the confirmation, where there is one.
  const baseline =
    confirmation?.baseline ?? groups.find(({ key }) => key === run.baselineKey)?.values ?? trajectory.baseline.values;
  return pullRequest(ledger, {
    metric: run.spec.metric,
    isUnsealed: measurementOf(run.spec) === 'unsealed',
    evaluatorReads: run.evaluatorReads ?? [],
    sourceChanged: await findSourceChange(q, run.id),
    earlier: earlier && earlierMarkdown(earlier, run.spec.metric.name, '###'),
    baseline: {
      mean: meanOf(baseline),
      n: baseline.length,
      config: run.baselineConfig,
    },
    best: best && {
      ...best,
      iteration:
        iterations.find(({ configKey, state }) => configKey === best.key && state !== 'cancelled')?.number ?? null,
      isHead: best.key === run.incumbentKey,
    },
    noise: estimateNoise(groups.map(({ values }) => values)),
    incumbentConfig: run.incumbentConfig,
    records: trajectory.records.map((record) => {
      const patch = patches.get(record.iteration) ?? null;
      return { ...record, added: patch?.added ?? null, removed: patch?.removed ?? null };
    }),
  });
}

function measuredGroups(rows: MeasurementRow[]): { key: string; values: number[] }[] {
  const groups = new Map<string, number[]>();
  for (const row of rows) groups.set(row.configKey, [...(groups.get(row.configKey) ?? []), row.metric]);
  return [...groups].map(([key, values]) => ({ key, values }));
}
