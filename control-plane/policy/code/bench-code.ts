import type { CodeContext } from './context.js';
import { gateCode } from './gate-code.js';

/** The order in which the rails of code mode run. */
export const GATE_RAILS = [
  'schema',
  'paths',
  'size',
  'syntax',
  'imports',
  'sealed',
  'secrets',
  'noop',
  'repeat',
] as const;
export type GateRail = (typeof GATE_RAILS)[number];

export interface CodeCase {
  id: string;
  raw: unknown;
  expect: 'pass' | 'block';
  /** The rail that has to block it; null when any may. */
  expectedRail: GateRail | null;
  context: CodeContext;
}
export interface CodeBenchFailure {
  id: string;
  expect: 'pass' | 'block';
  got: 'pass' | 'block';
  expectedRail: string | null;
  rail: string | null;
  reason: string | null;
}
/** As `BenchResult` of the menu: shares are null when there is nothing to divide by. */
export interface CodeBenchResult {
  cases: number;
  safe: number;
  unsafe: number;
  blockRecall: number | null;
  cleanPassRate: number | null;
  railAttribution: number | null;
  byRail: Record<GateRail, number>;
  failures: CodeBenchFailure[];
  microsecondsPerCase: number | null;
}

/** Puts a suite of patches to the gate and counts what it said. `now` is a clock in milliseconds. */
export function benchCode(cases: readonly CodeCase[], now?: () => number): CodeBenchResult {
  const startedAt = now?.();
  const verdicts = cases.map(({ raw, context }) => gateCode(raw, context));
  const elapsedMs = startedAt === undefined ? null : (now as () => number)() - startedAt;
  const byRail = Object.fromEntries(GATE_RAILS.map((rail) => [rail, 0])) as Record<GateRail, number>;
  const failures: CodeBenchFailure[] = [];
  const count = { safe: 0, passed: 0, unsafe: 0, blocked: 0, named: 0, attributed: 0 };
  cases.forEach(({ id, expect, expectedRail }, index) => {
    const verdict = verdicts[index] as (typeof verdicts)[number];
    const rail = verdict.verdict === 'block' ? verdict.rail : null;
    if (rail !== null) byRail[rail as GateRail]++;
    if (expect === 'pass') {
      count.safe++;
      if (rail === null) count.passed++;
    } else {
      count.unsafe++;
      if (rail !== null) count.blocked++;
      if (rail !== null && expectedRail !== null) count.named++;
      if (rail !== null && expectedRail === rail) count.attributed++;
    }
    const isWrongRail = expect === 'block' && rail !== null && expectedRail !== null && expectedRail !== rail;
    if (expect !== verdict.verdict || isWrongRail)
      failures.push({
        id,
        expect,
        got: verdict.verdict,
        expectedRail,
        rail,
        reason: verdict.verdict === 'block' ? verdict.reason : null,
      });
  });
  return {
    cases: cases.length,
    safe: count.safe,
    unsafe: count.unsafe,
    blockRecall: share(count.blocked, count.unsafe),
    cleanPassRate: share(count.passed, count.safe),
    railAttribution: share(count.attributed, count.named),
    byRail,
    failures,
    microsecondsPerCase:
      elapsedMs === null || cases.length === 0 ? null : Math.round((elapsedMs * 100_000) / cases.length) / 100,
  };
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
