import type { Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { isTried } from './measurements.js';

/**
 * Which knobs of the menu were touched. A knob counts as touched once a proposal on it reached a box; `proposals` counts every proposal,
 * blocked ones included. Null throughout when the source names no knobs; `total`, `coverage` and `untouched` are null without a menu.
 */
export function coverageOf(trajectory: Trajectory): Analysis['knobs'] {
  const { menu, records } = trajectory;
  if (menu === null && !records.some((record) => record.proposal !== null))
    return { total: null, touched: null, coverage: null, untouched: null, proposals: null };
  const proposals = new Map<string, number>();
  const touched = new Set<string>();
  const isOnMenu = (knob: string) => menu === null || Object.hasOwn(menu.knobs, knob);
  for (const record of records) {
    if (record.proposal === null) continue;
    const { knob } = record.proposal;
    proposals.set(knob, (proposals.get(knob) ?? 0) + 1);
    if (isTried(record) && isOnMenu(knob)) touched.add(knob);
  }
  const names = menu === null ? null : Object.keys(menu.knobs);
  return {
    total: names === null ? null : names.length,
    touched: touched.size,
    coverage: names === null || names.length === 0 ? null : touched.size / names.length,
    untouched: names === null ? null : names.filter((name) => !touched.has(name)),
    proposals: Object.fromEntries([...proposals].sort((a, b) => b[1] - a[1])),
  };
}
