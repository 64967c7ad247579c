import type { GuardReading, GuardSpec } from '@nightshift/protocol';

/** Means of one guard metric over the measurements that are compared; null where none of them reported it. */
export interface GuardValues {
  candidate: number | null;
  comparator: number | null;
}

export interface GuardViolation {
  name: string;
  rule: 'missing' | 'max' | 'min' | 'maxRegression';
  /** The candidate's mean; null when it reported none, or none that is finite (JSON has no NaN). */
  value: number | null;
  comparator: number | null;
  /** What it may be at most (max, maxRegression with minimize) or at least; null when nothing could be compared. */
  limit: number | null;
  /** Half a sentence for people: "peak_gb 41 is above its max 40". */
  reason: string;
}

/**
 * What a candidate that is better by its metric breaks elsewhere. A guard whose metric was not reported, or is not finite, is
 * broken: a limit that nobody can check is no limit. `maxRegression` is a fraction of the comparator's size; when the comparator
 * is 0, nothing is a fraction of it, and it is in the metric's own unit, as effects are.
 * @param reporter whose word counts, for the sentence about a guard that nobody reported.
 */
export function checkGuards(
  guards: readonly GuardSpec[],
  values: Readonly<Record<string, GuardValues | undefined>>,
  reporter = 'the candidate',
): GuardViolation[] {
  return guards.flatMap((guard) => {
    const { candidate = null, comparator = null } = values[guard.name] ?? {};
    return violationOf(guard, candidate, comparator, reporter) ?? [];
  });
}

/**
 * How a configuration stands to every limit, broken or not: what a sampler learns from. It breaks one of them where `checkGuards`
 * finds a violation, but for a regression from a comparator that reported nothing: that has no limit, and is left out.
 */
export function guardReadings(
  guards: readonly GuardSpec[],
  values: Readonly<Record<string, GuardValues | undefined>>,
): GuardReading[] {
  return guards.flatMap((guard): GuardReading[] => {
    const { candidate = null, comparator = null } = values[guard.name] ?? {};
    const value = candidate !== null && Number.isFinite(candidate) ? candidate : null;
    const reading = (bound: GuardReading['bound'], limit: number | null): GuardReading[] =>
      limit === null || !Number.isFinite(limit) ? [] : [{ name: guard.name, bound, limit, value }];
    const regression = comparator === null ? null : regressionLimit(guard, comparator);
    return [
      ...reading('max', guard.max),
      ...reading('min', guard.min),
      ...reading(guard.goal === 'minimize' ? 'max' : 'min', regression),
    ];
  });
}

function regressionLimit({ maxRegression, goal }: GuardSpec, comparator: number): number | null {
  if (maxRegression === null) return null;
  const allowed = maxRegression * (Math.abs(comparator) || 1);
  return goal === 'minimize' ? comparator + allowed : comparator - allowed;
}

function violationOf(
  guard: GuardSpec,
  value: number | null,
  comparator: number | null,
  reporter: string,
): GuardViolation | null {
  const { name } = guard;
  const broken = (rule: GuardViolation['rule'], limit: number | null, reason: string): GuardViolation => ({
    name,
    rule,
    value: value !== null && Number.isFinite(value) ? value : null,
    comparator: comparator !== null && Number.isFinite(comparator) ? comparator : null,
    limit,
    reason,
  });
  if (value === null) return broken('missing', null, `${name} was not reported by ${reporter}`);
  if (!Number.isFinite(value)) return broken('missing', null, `${name} is ${value}`);
  if (guard.max !== null && value > guard.max)
    return broken('max', guard.max, `${name} ${digits(value)} is above its max ${digits(guard.max)}`);
  if (guard.min !== null && value < guard.min)
    return broken('min', guard.min, `${name} ${digits(value)} is below its min ${digits(guard.min)}`);
  if (guard.maxRegression === null) return null;
  const limit = comparator === null ? null : regressionLimit(guard, comparator);
  if (comparator === null || limit === null || !Number.isFinite(limit))
    return broken('missing', null, `${name} was not reported by what the candidate is compared with`);
  if (guard.goal === 'minimize' ? value <= limit : value >= limit) return null;
  const asked = comparator === 0 ? digits(guard.maxRegression) : `${digits(guard.maxRegression * 100)}%`;
  return broken(
    'maxRegression',
    limit,
    `${name} ${digits(value)} is more than ${asked} worse than the ${digits(comparator)} it is compared with`,
  );
}

function digits(value: number): string {
  return String(Number(value.toPrecision(4)));
}
