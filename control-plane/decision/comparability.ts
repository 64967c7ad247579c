import { mean } from './noise.js';

/** One measurement of a run, as far as it matters what it may be compared with. */
export interface Measured {
  configKey: string;
  metric: number;
  /** Equal for two measurements exactly when their numbers may be compared; null for those that told none. */
  fingerprint: string | null;
  boxId: string | null;
  /** Made for the iteration that is being decided, measurements of its comparator included. */
  isOwn: boolean;
}

export type Comparison =
  /** Decide from these; whatever is measured further must run on this box. */
  | {
      kind: 'compare';
      fingerprint: string | null;
      boxId: string | null;
      groups: Map<string, number[]>;
      noise: number[][];
    }
  /** The box has changed since it measured the candidate: measure that again, there. */
  | { kind: 'remeasure'; boxId: string | null; why: string }
  | { kind: 'incomparable'; why: string };

/** A box whose fingerprint changes more often than this within one iteration gives nothing that could be compared. */
const MAX_CHANGES = 2;

/**
 * What a candidate may be decided from: the measurements with the fingerprint that this iteration's newest one has, because
 * that is what its box is now. A comparator without any there is measured there, which is also how a box that drifted gets
 * its control run. Repeats with other fingerprints tell of the noise alone: they are moved to the comparator's mean.
 * @param measurements in the order in which they ended, at least one of them own.
 */
export function comparable(
  measurements: readonly Measured[],
  keys: { candidate: string; comparator: string },
): Comparison {
  const own = measurements.filter((measured) => measured.isOwn);
  const newest = own.at(-1);
  if (!newest) return { kind: 'incomparable', why: 'nothing was measured' };
  const { fingerprint, boxId } = newest;
  const changes = own.filter((measured, i) => i > 0 && measured.fingerprint !== own[i - 1]?.fingerprint).length;
  if (changes > MAX_CHANGES)
    return {
      kind: 'incomparable',
      why: `its measurements cannot be compared: what they ran on changed ${changes} times between them`,
    };
  const groups = new Map<string, number[]>();
  const others = new Map<string, number[]>();
  for (const measured of measurements) {
    if (measured.fingerprint === fingerprint) push(groups, measured.configKey, measured.metric);
    else push(others, `${measured.fingerprint} ${measured.configKey}`, measured.metric);
  }
  if (!groups.has(keys.candidate))
    return { kind: 'remeasure', boxId, why: 'the box has changed since it measured the candidate' };
  const noise = [...groups.values()];
  const comparator = groups.get(keys.comparator);
  if (comparator) {
    const centre = mean(comparator);
    for (const values of others.values()) {
      if (values.length < 2) continue;
      const own = mean(values);
      noise.push(values.map((value) => value - own + centre));
    }
  }
  return { kind: 'compare', fingerprint, boxId, groups, noise };
}

function push(groups: Map<string, number[]>, key: string, value: number): void {
  const group = groups.get(key);
  if (group) group.push(value);
  else groups.set(key, [value]);
}
