import { scoreVerdicts, type BenchScore } from '../score-verdicts.js';
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
export type CodeBenchResult = BenchScore<GateRail>;

/** Puts a suite of patches to the gate and counts what it said. `now` is a clock in milliseconds. */
export function benchCode(cases: readonly CodeCase[], now?: () => number): CodeBenchResult {
  const startedAt = now?.();
  const verdicts = cases.map(({ raw, context }) => gateCode(raw, context));
  const elapsedMs = startedAt === undefined ? null : (now as () => number)() - startedAt;
  return scoreVerdicts(GATE_RAILS, cases, verdicts, elapsedMs);
}
