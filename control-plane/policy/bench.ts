import { AppError, compileConstraints, defaultConfig, knobValueProblem, RAILS } from '@nightshift/protocol';
import type { CompiledConstraints, Config, FieldError, Menu, Trajectory } from '@nightshift/protocol';
import { parseBenchCases } from './bench-cases.js';
import { measuredConfigs, projectConfig } from './bench-history.js';
import { gate } from './gate.js';
import { scoreVerdicts, type BenchScore } from './score-verdicts.js';

export interface BenchOptions {
  menu: Menu;
  /** What proposals are compared with; knobs left out have the default. Without it: the history's baseline, else the defaults. */
  baseline?: Config | undefined;
  history?: Trajectory | undefined;
  /** A clock in milliseconds; without one `microsecondsPerCase` is null. */
  now?: (() => number) | undefined;
}
export type BenchResult = BenchScore<(typeof RAILS)[number]>;

/**
 * Puts a suite of answers to the gate and counts what it said. A repeat of something in the history is blocked.
 * `failures` lists wrong verdicts, and right ones made by another rail than the case names.
 * @throws AppError `bad_request` for a suite or a baseline that is not valid.
 */
export function benchPolicy(input: unknown, options: BenchOptions): BenchResult {
  const cases = parseBenchCases(input);
  const { menu, history, now } = options;
  const constraints = compileConstraints(menu);
  const comparator = comparatorOf(options, constraints);
  const measured = history ? measuredConfigs(history, menu, comparator) : new Map<string, string>();
  const context = { menu, constraints, comparator, repeat: 'reject' as const, measured: lookup };
  function lookup(key: string) {
    const description = measured.get(key);
    return description === undefined ? false : { description };
  }

  const startedAt = now?.();
  const verdicts = cases.map((entry) => gate(entry.raw, { ...context, candidate: entry.config }));
  const elapsedMs = startedAt === undefined ? null : now!() - startedAt;

  return scoreVerdicts(RAILS, cases, verdicts, elapsedMs);
}

function comparatorOf({ menu, baseline, history }: BenchOptions, constraints: CompiledConstraints): Config {
  const defaults = defaultConfig(menu);
  if (baseline) return checkedBaseline({ ...defaults, ...baseline }, menu, constraints);
  if (!history?.baseline.config) return defaults;
  const projected = projectConfig(history.baseline.config, menu, defaults);
  // A baseline of another menu may break this one's constraints; nothing could pass from there.
  return constraints.violations(projected).length === 0 ? projected : defaults;
}

function checkedBaseline(config: Config, menu: Menu, constraints: CompiledConstraints): Config {
  const errors: FieldError[] = [];
  for (const [name, value] of Object.entries(config)) {
    const knob = Object.hasOwn(menu.knobs, name) ? menu.knobs[name] : undefined;
    const message = knob ? knobValueProblem(knob, value)?.message : 'is not a knob of the menu';
    if (message !== undefined) errors.push({ path: name, message });
  }
  if (errors.length === 0)
    for (const broken of constraints.violations(config))
      errors.push({ path: broken.id, message: `the baseline breaks ${broken.rule}` });
  if (errors.length > 0) throw new AppError('bad_request', 'the baseline is not valid', { errors });
  return config;
}
