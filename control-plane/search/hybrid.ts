/** One finished turn of a hybrid run. `gain` is the relative improvement that was kept, 0 for none, a failure or a blocked proposal. */
export interface Turn {
  proposer: 'sampler' | 'model';
  gain: number;
  /** Measurements that the turn cost, replicates included; a blocked proposal counts as one, so that it is not free. */
  measurements: number;
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

interface Credit {
  gain: number;
  cost: number;
}

/**
 * The model's share of the turns: its gain per measurement against the sampler's, older turns fading, both drawn towards their common
 * rate by a few pseudo-measurements, kept between floor and ceiling.
 */
export function modelShare(history: readonly Turn[], bounds: ShareBounds): number {
  const credit: Record<Turn['proposer'], Credit> = { sampler: { gain: 0, cost: 0 }, model: { gain: 0, cost: 0 } };
  history.forEach((turn, i) => {
    const weight = 0.5 ** ((history.length - 1 - i) / HALF_LIFE);
    credit[turn.proposer].gain += weight * Math.max(0, turn.gain);
    credit[turn.proposer].cost += weight * Math.max(1, turn.measurements);
  });
  const gain = credit.sampler.gain + credit.model.gain;
  const start = bounds.start ?? 0.5;
  const clip = (share: number) => Math.min(bounds.ceiling, Math.max(bounds.floor, share));
  if (gain <= 0) return clip(start);
  const common = gain / (credit.sampler.cost + credit.model.cost);
  const rate = ({ gain: g, cost }: Credit) => (g + PRIOR * common) / (cost + PRIOR);
  const model = start * rate(credit.model) ** 2;
  const sampler = (1 - start) * rate(credit.sampler) ** 2;
  return clip(model / (model + sampler));
}

/**
 * Who proposes next. The share is met by spreading, not by drawing: a turn is the model's when its share of the recent turns has
 * fallen behind, so that a share of one in four is every fourth turn.
 */
export function nextTurn(history: readonly Turn[], bounds: ShareBounds): 'sampler' | 'model' {
  const share = modelShare(history, bounds);
  if (share <= 0) return 'sampler';
  if (share >= 1) return 'model';
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
