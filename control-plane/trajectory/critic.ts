import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';

/**
 * The critic's score. A veto that is followed is never measured, so that its worth is unknown; every fourth is measured all the
 * same, and a keep among those is what following them would have lost. Null where no critic was asked.
 */
export function criticOf({ records, vetoes }: Trajectory): Analysis['critic'] {
  const asked = records.filter((record) => record.critique);
  if (asked.length === 0 && (vetoes === undefined || vetoes === null)) return null;
  const overruled = asked.filter((record) => record.critique?.isOverruled);
  const passed = asked.filter((record) => record.critique?.veto === false);
  const kept = (some: typeof asked) => some.filter(({ outcome }) => outcome === 'kept').length;
  return {
    vetoes: vetoes ?? overruled.length,
    overruled: overruled.length,
    overruledKept: kept(overruled),
    passed: passed.length,
    passedKept: kept(passed),
  };
}
