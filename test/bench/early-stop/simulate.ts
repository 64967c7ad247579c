import { earlyStop, type EarlierCurve, type EarlyStopInput } from '@nightshift/control-plane/decision/early-stop';
import { decide } from '@nightshift/control-plane/decision/index';
import { Screener, type Screening } from './screener.js';
import { seedOf } from './seed.js';
import { BUDGET_SECONDS, drawCandidates, measure, PLAIN_SHAPE, type Shape, type World } from './worlds.js';

export type Rule = (
  | { kind: 'none' }
  | { kind: 'ours'; rule: EarlyStopInput['rule']; after: number }
  /** What one would write first: stop when the newest point is above the incumbent's at the same time. */
  | { kind: 'naive'; after: number }
) & { screen?: Screening };

export interface Outcome {
  /** What the last incumbent truly ends at, as a fraction of the baseline. */
  quality: number;
  gpuSeconds: number;
  candidates: number;
  stopped: number;
  /** Stopped, and truly better than the incumbent of then by more than minImprovement. */
  wronglyStopped: number;
  better: number;
  screenedOut: number;
  /** Screened out, and truly better than the incumbent of then by more than minImprovement. */
  wronglyScreenedOut: number;
  /** Screening turned itself off. */
  turnedOff: number;
}

const DECISION = { minImprovement: 0.005, confidence: 0.9, maxReplicates: 3, baselineReplicates: 3 };
const MAX_EARLIER = 40;
const BASELINE = 'baseline';

/**
 * One night with the product's own decisions: candidates one after the other, each a change of the incumbent, each stopped early
 * or decided. The candidates and the noise depend on the seed alone, so that rules are compared on the same nights.
 * @param gpuLimit ends the night instead of the number of candidates, when given.
 */
export function simulateNight(world: World, rule: Rule, seed: number, count: number, gpuLimit = Infinity): Outcome {
  const candidates = drawCandidates(world, seed, count);
  const groups = new Map<string, number[]>();
  let curves: EarlierCurve[] = [];
  let keptKeys = new Set([BASELINE]);
  const truth = new Map<string, { end: number; shape: Shape }>([[BASELINE, { end: 1, shape: PLAIN_SHAPE }]]);
  let incumbent = BASELINE;
  const outcome: Outcome = {
    quality: 1,
    gpuSeconds: 0,
    candidates: 0,
    stopped: 0,
    wronglyStopped: 0,
    better: 0,
    screenedOut: 0,
    wronglyScreenedOut: 0,
    turnedOff: 0,
  };
  const screener = rule.screen && new Screener(rule.screen, seed, (key) => truth.get(key)!);

  const run = (key: string, isStoppable: boolean): boolean => {
    const { end, shape } = truth.get(key)!;
    const n = groups.get(key)?.length ?? 0;
    const { metric, curve } = measure(end, shape, seedOf(`${seed} ${key} ${n}`));
    if (isStoppable && rule.kind !== 'none') {
      // The loop looks at most once a second; here it looks at each point of a curve.
      const earlier = curves.map((known) => ({ ...known, isKept: keptKeys.has(known.configKey) }));
      for (let i = 2; i <= curve.length; i++) {
        const running = curve.slice(0, i);
        const last = running.at(-1)!;
        if (last.t < rule.after * BUDGET_SECONDS || !isHopeless(rule, running, earlier, incumbent)) continue;
        outcome.gpuSeconds += last.t;
        return false;
      }
    }
    outcome.gpuSeconds += BUDGET_SECONDS;
    groups.set(key, [...(groups.get(key) ?? []), metric]);
    curves = [{ configKey: key, isKept: false, points: curve }, ...curves].slice(0, MAX_EARLIER);
    return true;
  };

  for (let i = 0; i < DECISION.baselineReplicates; i++) run(BASELINE, false);
  let decisions = 0;
  for (const [index, candidate] of candidates.entries()) {
    if (outcome.gpuSeconds >= gpuLimit) break;
    const key = `candidate ${index}`;
    const base = truth.get(incumbent)!.end;
    truth.set(key, { end: base * candidate.ratio, shape: candidate.shape });
    outcome.candidates += 1;
    const isBetter = 1 - candidate.ratio > DECISION.minImprovement;
    if (isBetter) outcome.better += 1;
    if (screener) {
      const { isOut, gpuSeconds } = screener.look(key, incumbent);
      outcome.gpuSeconds += gpuSeconds;
      if (isOut) {
        outcome.screenedOut += 1;
        if (isBetter) outcome.wronglyScreenedOut += 1;
        continue;
      }
    }
    if (!run(key, true)) {
      outcome.stopped += 1;
      if (isBetter) outcome.wronglyStopped += 1;
      continue;
    }
    for (;;) {
      const ruling = decide({
        goal: 'minimize',
        compare: 'incumbent',
        rule: DECISION,
        candidate: groups.get(key)!,
        comparator: groups.get(incumbent)!,
        groups: [...groups.values()],
        decisionsSoFar: decisions,
        plannedDecisions: count,
      });
      if (ruling.kind === 'measure') {
        run(ruling.role === 'replicate' ? key : incumbent, false);
        continue;
      }
      decisions += 1;
      screener?.decided(key, ruling.decision);
      if (ruling.decision.outcome === 'keep') {
        incumbent = key;
        keptKeys = new Set([...keptKeys, key]);
      }
      break;
    }
  }
  outcome.turnedOff = screener?.isOff ? 1 : 0;
  outcome.quality = truth.get(incumbent)!.end;
  return outcome;
}

function isHopeless(
  rule: Rule & { kind: 'ours' | 'naive' },
  running: EarlyStopInput['running'],
  earlier: readonly EarlierCurve[],
  incumbent: string,
): boolean {
  if (rule.kind === 'ours')
    return (
      earlyStop({
        metric: 'train_loss',
        goal: 'minimize',
        rule: rule.rule,
        after: rule.after,
        budgetSeconds: BUDGET_SECONDS,
        minImprovement: DECISION.minImprovement,
        running,
        earlier,
      }) !== null
    );
  const last = running.at(-1)!;
  const reference = earlier.find((known) => known.configKey === incumbent)?.points[running.length - 1];
  return reference !== undefined && last.value > reference.value;
}
