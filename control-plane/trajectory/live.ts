import { configKey, pairKey, type Config, type TrajectoryRecord } from '@nightshift/protocol';
import type { Keep } from './analysis.js';
import { canBeBest } from './guards.js';
import { HEALTH_RULES, recentIterationOf } from './health.js';
import { shortKey, type Live, type LiveGroup } from './live-state.js';
import {
  isBetter,
  isEvaluated,
  isNoop,
  isTried,
  measurementsOf,
  replicateKey,
  type EvaluatedRecord,
} from './measurements.js';
import { WINDOW } from './pairs.js';

export { emptyLive, type Live } from './live-state.js';

/** Takes one more iteration in. The given state is changed and handed back, so that the work does not grow with the run. */
export function updateLive(live: Live, record: TrajectoryRecord): Live {
  live.counts.iterations += 1;
  live.counts[record.outcome] = (live.counts[record.outcome] ?? 0) + 1;
  push(live.recentIterations, recentIterationOf(record), HEALTH_RULES.blindSpan);
  countTries(live, record);
  countCost(live, record);
  const isRepeat = countPair(live, record);
  const isReplicate = countReplicates(live, record);
  if (isEvaluated(record)) {
    live.counts.evaluated += 1;
    countEvaluated(live, record, isRepeat, isReplicate);
  }
  return live;
}

function countTries(live: Live, record: TrajectoryRecord): void {
  // A source that lists no blocked tries still blocked at least the one that ended the iteration.
  const blocked = Math.max(record.blocked.length, record.outcome === 'blocked' ? 1 : 0);
  live.tries.blocked += blocked;
  live.tries.all += blocked + (record.outcome === 'blocked' || record.proposal === null ? 0 : 1);
}

function countCost(live: Live, record: TrajectoryRecord): void {
  const { cost } = live;
  if (record.wallSeconds !== null && Number.isFinite(record.wallSeconds))
    cost.wallSeconds = (cost.wallSeconds ?? 0) + record.wallSeconds;
  if (record.energyWh !== null && Number.isFinite(record.energyWh))
    cost.energyWh = (cost.energyWh ?? 0) + record.energyWh;
  if (record.modelSeconds !== null && Number.isFinite(record.modelSeconds)) {
    cost.modelSeconds = (cost.modelSeconds ?? 0) + record.modelSeconds;
    cost.modelCalls += 1;
  }
}

/** Counts the proposal, and says whether its pair had reached a box before. */
function countPair(live: Live, record: TrajectoryRecord): boolean {
  if (record.proposal === null) return false;
  const { knob, newValue } = record.proposal;
  const before = countOf(live.proposals, knob);
  live.proposals[knob] = before + 1;
  live.proposalsTotal += 1;
  live.proposalsLogSum += nLogN(before + 1) - nLogN(before);
  if (!isTried(record)) return false;
  const isOnMenu = live.knobs === null || live.knobs.includes(knob);
  if (isOnMenu && !live.touched.includes(knob)) live.touched.push(knob);
  const key = pairKey(knob, newValue);
  const isRepeat = Object.hasOwn(live.pairs, key);
  if (!isRepeat) live.unique += 1;
  const pair = isRepeat ? (live.pairs[key] as Live['pairs'][string]) : { kept: 0, order: null };
  live.pairs[key] = pair;
  if (record.outcome !== 'kept') return isRepeat;
  pair.kept += 1;
  pair.order ??= live.keptPairs++;
  live.wins[knob] = countOf(live.wins, knob) + 1;
  const top = live.keeps.topPair;
  if (top === null || pair.kept > top.kept || (pair.kept === top.kept && pair.order < top.order))
    live.keeps.topPair = { knob, value: newValue, kept: pair.kept, order: pair.order };
  return isRepeat;
}

function countEvaluated(live: Live, record: EvaluatedRecord, isRepeat: boolean, isReplicate: boolean): void {
  const isNoopHere =
    record.proposal !== null && isNoop({ menu: null, baseline: { config: live.baselineConfig } }, record.proposal);
  const isConfigKnown = live.baselineKey !== null && record.config !== null && record.proposal !== null;
  const isAgain = isConfigKnown ? shortKey(configKey(record.config as Config)) === live.baselineKey : isNoopHere;
  if (isRepeat) live.repeats += 1;
  if (isNoopHere) live.noops += 1;
  const window = live.windows[live.windows.length - 1];
  if (window === undefined || window.n === WINDOW)
    live.windows.push({ first: record.iteration, last: record.iteration, n: 1, repeats: isRepeat ? 1 : 0 });
  else {
    window.last = record.iteration;
    window.n += 1;
    if (isRepeat) window.repeats += 1;
  }
  push(
    live.recentEvaluated,
    {
      iteration: record.iteration,
      knob: record.proposal?.knob ?? null,
      isRepeat: isReplicate && record.proposer !== 'playbook',
      isNoop: isAgain,
    },
    HEALTH_RULES.repeatSpan,
  );
  if (record.outcome === 'kept') {
    const keep: Keep = {
      iteration: record.iteration,
      knob: record.proposal?.knob ?? null,
      value: record.proposal?.newValue ?? null,
      metric: record.metric,
    };
    live.keeps.count += 1;
    live.keeps.first ??= keep;
    if (live.keeps.best === null || isBetter(live.goal, record.metric, live.keeps.best.metric)) live.keeps.best = keep;
  }
  const { plateau } = live;
  if (canBeBest(record) && (plateau.best === null || isBetter(live.goal, record.metric, plateau.best))) {
    live.plateau = {
      best: record.metric,
      bestIteration: record.iteration,
      longest: Math.max(plateau.longest, plateau.current),
      current: 0,
    };
  } else plateau.current += 1;
  countConstant(live, record, isAgain);
}

function countConstant(live: Live, record: EvaluatedRecord, isAgain: boolean): void {
  if (live.counts.evaluated === 1) live.constant = { value: record.metric, pairs: {}, distinct: 0 };
  if (live.constant === null) return;
  if (live.constant.value !== record.metric) {
    live.constant = null;
    return;
  }
  if (record.proposal === null || isAgain) return;
  const key = pairKey(record.proposal.knob, record.proposal.newValue);
  if (Object.hasOwn(live.constant.pairs, key)) return;
  live.constant.pairs[key] = true;
  live.constant.distinct += 1;
}

/** Pools the measurements with those of the same pair and configuration, and says whether there was a try of it before. */
function countReplicates(live: Live, record: TrajectoryRecord): boolean {
  if (!isTried(record)) return false;
  const key = shortKey(replicateKey(record.proposal, record));
  const isReplicate = Object.hasOwn(live.groups, key);
  const group: LiveGroup = isReplicate
    ? (live.groups[key] as LiveGroup)
    : {
        n: 0,
        mean: 0,
        squares: 0,
        kept: 0,
        reverted: 0,
        order: live.groupCount++,
      };
  for (const value of measurementsOf(record)) {
    group.n += 1;
    const delta = value - group.mean;
    group.mean += delta / group.n;
    const added = delta * (value - group.mean);
    group.squares += added;
    if (group.n > 1) {
      live.noise.squares += added;
      live.noise.degreesOfFreedom += 1;
    }
  }
  const wasFlipped = group.kept > 0 && group.reverted > 0;
  if (record.outcome === 'kept') group.kept += 1;
  if (record.outcome === 'reverted') group.reverted += 1;
  if (!wasFlipped && group.kept > 0 && group.reverted > 0) {
    const { knob, newValue } = record.proposal;
    live.flipped.push({ knob, value: newValue, order: group.order });
  }
  live.groups[key] = group;
  return isReplicate;
}

function push<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

/** A count kept in a plain object; a key such as `constructor` must not find what objects inherit. */
function countOf(counts: Record<string, number>, key: string): number {
  return Object.hasOwn(counts, key) ? (counts[key] as number) : 0;
}

function nLogN(n: number): number {
  return n <= 1 ? 0 : n * Math.log2(n);
}
