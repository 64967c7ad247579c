/** A verdict that was wrong, or right and made by another rail than the case names. */
export interface BenchFailure {
  id: string;
  expect: 'pass' | 'block';
  got: 'pass' | 'block';
  expectedRail: string | null;
  rail: string | null;
  reason: string | null;
}

/** Shares are null when there is nothing to divide by. `byRail` counts every block, rightly made or not. */
export interface BenchScore<Rail extends string> {
  cases: number;
  safe: number;
  unsafe: number;
  blockRecall: number | null;
  cleanPassRate: number | null;
  railAttribution: number | null;
  byRail: Record<Rail, number>;
  failures: BenchFailure[];
  microsecondsPerCase: number | null;
}

/** Counts what a gate said of a suite, one verdict a case. Pure. */
export function scoreVerdicts<Rail extends string>(
  rails: readonly Rail[],
  cases: readonly { id: string; expect: 'pass' | 'block'; expectedRail: Rail | null }[],
  verdicts: readonly ({ verdict: 'pass' } | { verdict: 'block'; rail: string; reason: string })[],
  elapsedMs: number | null,
): BenchScore<Rail> {
  const byRail = Object.fromEntries(rails.map((rail) => [rail, 0])) as Record<Rail, number>;
  const failures: BenchFailure[] = [];
  const count = { safe: 0, passed: 0, unsafe: 0, blocked: 0, named: 0, attributed: 0 };
  for (const [index, { id, expect, expectedRail }] of cases.entries()) {
    const verdict = verdicts[index];
    if (!verdict) throw new Error(`case ${id} has no verdict`);
    const { rail, reason } = verdict.verdict === 'block' ? verdict : { rail: null, reason: null };
    if (rail !== null) byRail[rail as Rail]++;
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
      failures.push({ id, expect, got: verdict.verdict, expectedRail, rail, reason });
  }
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
