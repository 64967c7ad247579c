import { AppError, configSchema, RAILS, type Config, type FieldError } from '@nightshift/protocol';
import { z } from 'zod';

/** One case of a suite: an answer, and what the gate has to say of it. */
export interface BenchCase {
  id: string;
  /** The answer as a model gave it (text), or an object that was parsed before. */
  raw: unknown;
  expect: 'pass' | 'block';
  /** The rail that has to block it; null when any may. */
  expectedRail: (typeof RAILS)[number] | null;
  /** A complete configuration declared with the proposal, for the rail `diff`. */
  config?: Config | undefined;
}

// Other keys are let through: suites carry notes and categories of their own.
const caseSchema = z.looseObject({
  id: z.union([z.string().min(1).max(200), z.number()]),
  expect: z.enum(['pass', 'block']),
  expected_rail: z.string().max(100).nullish(),
  config: configSchema.nullish(),
});

/**
 * Reads a suite: a JSON array of `{id, raw, expect, expected_rail?, config?}`. A rail may be written with its number before it and a word
 * after it, as the field does (`R1_schema`, `R5_diff_lint`).
 * @throws AppError `bad_request` with the place of everything that is wrong.
 */
export function parseBenchCases(input: unknown): BenchCase[] {
  if (!Array.isArray(input)) throw new AppError('bad_request', 'the suite must be a JSON array of cases');
  const errors: FieldError[] = [];
  const seen = new Map<string, number>();
  const cases = input.map((entry: unknown, index): BenchCase | null => {
    const at = (key: string, message: string) => errors.push({ path: `${index}${key && `.${key}`}`, message });
    const parsed = caseSchema.safeParse(entry);
    if (!parsed.success) {
      for (const issue of parsed.error.issues) at(issue.path.map(String).join('.'), issue.message);
      return null;
    }
    const { expect, expected_rail, config } = parsed.data;
    const id = String(parsed.data.id);
    if (!Object.hasOwn(entry as object, 'raw')) at('raw', 'is missing: the answer that is given to the gate');
    const earlier = seen.get(id);
    if (earlier !== undefined) at('id', `${JSON.stringify(id)} is the id of case ${earlier} too`);
    else seen.set(id, index);
    const rail = railNamed(expected_rail ?? '');
    if (expect === 'block' && expected_rail && rail === undefined)
      at('expected_rail', `${JSON.stringify(expected_rail)} is none of the rails ${RAILS.join(', ')}`);
    return {
      id,
      raw: parsed.data['raw'],
      expect,
      expectedRail: expect === 'block' ? (rail ?? null) : null,
      ...(config ? { config } : {}),
    };
  });
  if (errors.length > 0) throw new AppError('bad_request', 'the suite is not valid', { errors });
  return cases.filter((entry) => entry !== null);
}

function railNamed(name: string): (typeof RAILS)[number] | undefined {
  const words = name.toLowerCase().split(/[^a-z]+/);
  return RAILS.find((rail) => words.includes(rail));
}
