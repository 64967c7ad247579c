import { breaksGuard, type KnobValue, type Trial } from '@nightshift/protocol';
import { singleKnobChanges, type Candidate } from './candidates.js';
import { figure, percent } from './describe.js';
import { guardRecords, learnFeasibility, type Feasibility } from './feasibility.js';
import { normalCdf } from './normal.js';
import type { Belief, KnobBelief, SuggestInput } from './sampler.js';
import { type Space, spaceOf } from './space.js';
import { fitSurrogate, signOf, type Surrogate } from './surrogate.js';

/** A single-knob change with what the models make of it. */
export interface Assessed extends Candidate {
  /** On the surrogate's warped scale, lower is better; null while there is nothing to model. */
  mean: number;
  sd: number;
  /** The chance that it runs and holds every guard, and of that the guards' part. */
  feasible: number;
  holds: number;
}

/** Below this a change is listed as risky. */
const RISKY = 0.5;

function counts(trials: readonly Trial[]): Belief['trials'] {
  const of = (state: Trial['state']) => trials.filter((trial) => trial.state === state).length;
  return { complete: of('complete'), failed: of('failed'), pending: of('pending'), censored: of('censored') };
}

function bestMeasured(input: SuggestInput): number | null {
  const sign = signOf(input.goal);
  let best: number | null = null;
  for (const trial of input.trials) {
    const { state, value } = trial;
    if (breaksGuard(trial)) continue;
    if (state === 'complete' && value !== null && (best === null || sign * value < sign * best)) best = value;
  }
  return best;
}

function triedValues(space: Space, input: SuggestInput): number[] {
  return space.axes.map((axis) => {
    const values = new Set<KnobValue | undefined>([input.base[axis.name]]);
    for (const trial of input.trials) values.add(trial.config[axis.name] ?? axis.knob.default);
    return values.size;
  });
}

/** What can be said without a model of the metric: counts, best value, failures. */
export function plainBelief(space: Space, input: SuggestInput, model: Belief['model'] = 'none'): Belief {
  const tried = triedValues(space, input);
  const failures: Record<string, number> = {};
  for (const trial of input.trials)
    if (trial.state === 'failed')
      failures[trial.failure ?? 'unknown'] = (failures[trial.failure ?? 'unknown'] ?? 0) + 1;
  return summarised({
    model,
    trials: counts(input.trials),
    bestMeasured: bestMeasured(input),
    baseExpected: null,
    noiseSd: input.noiseSd ?? null,
    knobs: space.axes.map((axis, i) => ({ knob: axis.name, tried: tried[i] as number, importance: null, best: null })),
    feasibility: { failures, ...guardsOf(input.trials), risky: [] },
  });
}

/** The belief that a surrogate supports, from the changes that were assessed with it. */
export function modelBelief(
  space: Space,
  input: SuggestInput,
  surrogate: Surrogate,
  feasibility: Feasibility,
  assessed: readonly Assessed[],
): Belief {
  const tried = triedValues(space, input);
  const effects = space.axes.map((_, axis) => {
    const means = assessed.filter((item) => item.axis === axis).map((item) => item.mean);
    means.push(surrogate.base.mean);
    const centre = means.reduce((sum, mean) => sum + mean, 0) / means.length;
    return means.reduce((sum, mean) => sum + (mean - centre) ** 2, 0) / means.length;
  });
  const total = effects.reduce((sum, effect) => sum + effect, 0);
  const knobs = space.axes.map((axis, index): KnobBelief => {
    let best: Assessed | null = null;
    for (const item of assessed)
      if (item.axis === index && item.feasible >= RISKY && (best === null || item.mean < best.mean)) best = item;
    const stays = best === null || best.mean >= surrogate.base.mean;
    const chosen = stays
      ? { value: input.base[axis.name] as KnobValue, ...surrogate.base, sd: Math.sqrt(surrogate.base.variance) }
      : (best as Assessed);
    return {
      knob: axis.name,
      tried: tried[index] as number,
      importance: total > 0 ? (effects[index] as number) / total : null,
      best: {
        value: chosen.value,
        expected: surrogate.toMetric(chosen.mean),
        sd: surrogate.slope(chosen.mean) * chosen.sd,
        probabilityBetter:
          best === null
            ? 0
            : normalCdf((surrogate.base.mean - best.mean) / Math.hypot(best.sd, Math.sqrt(surrogate.base.variance))),
      },
    };
  });
  const risky = assessed
    .filter((item) => item.feasible < RISKY)
    .sort((a, b) => a.feasible - b.feasible)
    .slice(0, 5)
    .map(({ knob, value, feasible, holds }) => ({
      knob,
      value,
      probabilityFeasible: feasible,
      ...(holds < 1 && { probabilityHolds: holds }),
    }));
  return summarised({
    model: 'gaussian-process',
    trials: counts(input.trials),
    bestMeasured: bestMeasured(input),
    baseExpected: surrogate.toMetric(surrogate.base.mean),
    noiseSd: surrogate.noiseSd,
    knobs: knobs.sort((a, b) => (b.importance ?? 0) - (a.importance ?? 0)),
    feasibility: { failures: feasibility.failures, ...guardsOf(input.trials), risky },
  });
}

function guardsOf(trials: readonly Trial[]): Pick<Belief['feasibility'], 'guards'> {
  const guards = guardRecords(trials);
  return guards.length === 0 ? {} : { guards };
}

function summarised(belief: Omit<Belief, 'summary'>): Belief {
  const { complete, failed, pending, censored } = belief.trials;
  const given = censored > 0 ? `, ${censored} given up as worse before their full budget` : '';
  const summary = [`${complete} measured, ${failed} failed, ${pending} pending${given}`];
  if (belief.baseExpected !== null && belief.noiseSd !== null)
    summary.push(
      `the base is expected at ${figure(belief.baseExpected)}; one measurement has sd ${figure(belief.noiseSd)}`,
    );
  for (const { knob, importance, best, tried } of belief.knobs.slice(0, 5)) {
    if (importance === null || best === null) continue;
    summary.push(
      `${knob}: ${percent(importance)} of what was explained; best at ${String(best.value)}, expected ${figure(best.expected)} ` +
        `(sd ${figure(best.sd)}, better than the base with ${percent(best.probabilityBetter)}); ${tried} values tried`,
    );
  }
  const untouched = belief.knobs.filter((knob) => knob.tried < 2).map((knob) => knob.knob);
  if (untouched.length > 0) summary.push(`never changed: ${untouched.join(', ')}`);
  const causes = Object.entries(belief.feasibility.failures).map(([cause, count]) => `${cause} ${count}`);
  if (causes.length > 0) summary.push(`failures: ${causes.join(', ')}`);
  for (const { name, bound, limit, broken, measured } of belief.feasibility.guards ?? [])
    if (broken > 0)
      summary.push(
        `guard ${name} (${bound === 'max' ? 'at most' : 'at least'} ${figure(limit)}): broken by ${broken} of ${measured} measured, which are never kept`,
      );
  for (const { knob, value, probabilityFeasible, probabilityHolds } of belief.feasibility.risky.slice(0, 3))
    summary.push(
      `${knob} ${String(value)} would ${probabilityHolds === undefined ? 'run' : 'run and hold the guards'} with ${percent(probabilityFeasible)}`,
    );
  return { ...belief, summary };
}

/** Every candidate change with its expected metric and its chance to run. */
export function assess(candidates: readonly Candidate[], surrogate: Surrogate, feasibility: Feasibility): Assessed[] {
  return candidates.map((candidate) => {
    const { mean, variance } = surrogate.change(candidate.axis, candidate.position);
    return {
      ...candidate,
      mean,
      sd: Math.sqrt(variance),
      ...chances(feasibility, candidate),
    };
  });
}

function chances(feasibility: Feasibility, { axis, position }: Candidate): Pick<Assessed, 'feasible' | 'holds'> {
  const holds = feasibility.holds(axis, position);
  return { feasible: holds * feasibility.runs(axis, position), holds };
}

/** What the default model believes, for a prompt or a report; needs no free change to suggest. */
export function describeBelief(input: SuggestInput): Belief {
  const space = spaceOf(input.menu);
  const surrogate = fitSurrogate(space, input);
  if (!surrogate) return plainBelief(space, input);
  const feasibility = learnFeasibility(space, space.encode(input.base), input.trials);
  return modelBelief(
    space,
    input,
    surrogate,
    feasibility,
    assess(singleKnobChanges(space, input), surrogate, feasibility),
  );
}
