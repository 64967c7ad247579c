/** One finished turn of a hybrid run. `gain` is the relative improvement that was kept, 0 for none, a failure or a blocked proposal. */
export interface Turn {
  proposer: 'sampler' | 'model';
  gain: number;
  /** Measurements that the turn cost, replicates included; 0 for a proposal that was blocked or outweighed. */
  measurements: number;
  /** `configKey` of what it proposed; left out, the turn does not count in the track record. */
  key?: string | undefined;
}

/** Bounds of the model's share of the turns, and what it is before there is evidence. */
export interface ShareBounds {
  floor: number;
  ceiling: number;
  start?: number;
}

/** Weight of a turn halves over this many later ones: who helps early is not always who helps late. */
const HALF_LIFE = 20;
/** Strength of the prior, in measurements a side. */
const PRIOR = 4;

/** Cost of a turn that measured nothing, in measurements: it took time and tokens, and must not look free. */
const EMPTY_TURN = 0.25;

interface Credit {
  gain: number;
  cost: number;
}

/** Gain per measurement of each side, as shares of 1: older turns fade, and both are drawn towards their common rate. Null while nothing was gained. */
function rates(history: readonly Turn[]): Record<Turn['proposer'], number> | null {
  const credit: Record<Turn['proposer'], Credit> = { sampler: { gain: 0, cost: 0 }, model: { gain: 0, cost: 0 } };
  history.forEach((turn, i) => {
    const weight = 0.5 ** ((history.length - 1 - i) / HALF_LIFE);
    credit[turn.proposer].gain += weight * Math.max(0, turn.gain);
    credit[turn.proposer].cost += weight * Math.max(EMPTY_TURN, turn.measurements);
  });
  const gain = credit.sampler.gain + credit.model.gain;
  if (gain <= 0) return null;
  const common = gain / (credit.sampler.cost + credit.model.cost);
  const rate = ({ gain: g, cost }: Credit) => (g + PRIOR * common) / (cost + PRIOR);
  const [sampler, model] = [rate(credit.sampler), rate(credit.model)];
  const sum = sampler + model;
  return sum > 0 ? { sampler: sampler / sum, model: model / sum } : null;
}

/** The model's share of the turns, between floor and ceiling: by the squares of both rates, so that a clear difference tells. */
export function modelShare(history: readonly Turn[], bounds: ShareBounds): number {
  const rate = rates(history);
  const start = bounds.start ?? 0.5;
  const model = start * (rate?.model ?? 0.5) ** 2;
  const sampler = (1 - start) * (rate?.sampler ?? 0.5) ** 2;
  return Math.min(bounds.ceiling, Math.max(bounds.floor, model / (model + sampler)));
}

/** Times that the model is asked in one turn: it is told what was outweighed, and may name something else. */
export const ASKS = 2;

/** What a model's proposal must promise (see weigh-change.ts) while both sides have gained alike: as much as the sampler's own best. */
const LEAST_PROMISE = 1;

/**
 * The promise that a model's proposal needs to be measured: little from a model that has gained more than the sampler, as much as the
 * sampler's own best from one that has gained less. Below it the sampler takes the turn, and no GPU time is spent.
 */
export function leastPromise(history: readonly Turn[]): number {
  const rate = rates(history);
  return Math.min(1, LEAST_PROMISE * (rate ? (rate.sampler / Math.max(rate.model, 1e-300)) ** 2 : 1));
}

/**
 * Who proposes next. The share is met by spreading, not by drawing: a turn is the model's when its share of the recent turns has
 * fallen behind, so that a share of one in four is every fourth turn.
 */
export function nextTurn(history: readonly Turn[], bounds: ShareBounds): 'sampler' | 'model' {
  const share = modelShare(history, bounds);
  if (share <= 0) return 'sampler';
  if (share >= 1) return 'model';
  // Nothing can be said of a proposal before the sampler's model has something to compare.
  if (history.length === 0) return 'sampler';
  let since = 0;
  for (let i = history.length - 1; i >= 0 && history[i]?.proposer === 'sampler'; i--) since++;
  let streak = 0;
  for (let i = history.length - 1; i >= 0 && history[i]?.proposer === 'model'; i--) streak++;
  return share < 0.5
    ? since + 1 >= Math.round(1 / share)
      ? 'model'
      : 'sampler'
    : streak + 1 >= Math.round(1 / (1 - share))
      ? 'sampler'
      : 'model';
}
