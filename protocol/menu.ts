import { z } from 'zod';
import { AppError, type FieldError } from './errors.js';
import { compileConstraints } from './constraints.js';
import { fieldErrors } from './field-errors.js';

/** A value of a knob. Integers and floats are both JavaScript numbers; the knob's type tells them apart. */
export type KnobValue = number | string | boolean;

/** A value for every knob of a menu: what a job is run with. */
export type Config = Record<string, KnobValue>;

const knobName = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_]{0,63}$/,
    'a knob name starts with a letter and has letters, digits and _ only (64 at most)',
  );
const scalar = z.union([z.number(), z.string().max(200), z.boolean()]);

export const knobSchema = z
  .strictObject({
    type: z.enum(['int', 'float', 'str', 'bool']).describe('what a value is'),
    range: z
      .tuple([z.number(), z.number()], 'needs two numbers: [low, high]')
      .optional()
      .describe('lowest and highest legal value, both included'),
    choices: z.array(scalar).min(1).max(1000).optional().describe('the legal values'),
    scale: z
      .enum(['linear', 'log'])
      .optional()
      .describe('how the range is searched; a positive range of three decades or more is log unless said otherwise'),
    default: scalar.describe("the baseline's value"),
    doc: z.string().max(2000).optional().describe('what the knob does; shown to people and to the model'),
  })
  .describe('one thing that may be changed');

export const constraintSchema = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z][\w-]{0,63}$/, 'an id has letters, digits, _ and - only')
    .describe('its name in a verdict'),
  rule: z.string().min(1).max(2000).describe('a CEL expression over the knobs that must be true'),
  doc: z.string().max(2000).optional().describe('why; shown to people and to the model'),
});

/** A menu as people write it: inline (`constraints`) or in a menu file of the field (`cross_constraints`). */
export const menuInputSchema = z.strictObject({
  knobs: z.record(knobName, knobSchema).describe('by name'),
  constraints: z.array(constraintSchema).max(200).optional().describe('what must be true of the knobs together'),
  cross_constraints: z
    .array(constraintSchema)
    .max(200)
    .optional()
    .describe('the same, as menu files of the field call it'),
});
export type MenuInput = z.input<typeof menuInputSchema>;

export interface Knob {
  type: 'int' | 'float' | 'str' | 'bool';
  /** Inclusive bounds; set when `choices` is not. */
  range?: [number, number];
  /** Legal values; set when `range` is not. A bool without choices has [false, true]. */
  choices?: KnobValue[];
  scale: 'linear' | 'log';
  default: KnobValue;
  doc: string;
}
export interface Constraint {
  id: string;
  rule: string;
  doc: string;
}
/** A checked menu: every default is legal and the defaults together satisfy every constraint. */
export interface Menu {
  knobs: Record<string, Knob>;
  constraints: Constraint[];
}

/** Says why a value is not legal for a knob, or null when it is. Type, bounds, choices, finiteness; no coercion. */
export function knobValueProblem(knob: Knob, value: unknown): { kind: 'type' | 'range'; message: string } | null {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value).slice(0, 60);
  if (knob.type === 'int' || knob.type === 'float') {
    if (typeof value !== 'number')
      return { kind: 'type', message: `needs ${knob.type}, got ${value === null ? 'null' : typeof value} ${shown}` };
    if (!Number.isFinite(value)) return { kind: 'type', message: `needs a finite number, got ${shown}` };
    if (knob.type === 'int' && !Number.isSafeInteger(value))
      return { kind: 'type', message: `needs a whole number, got ${shown}` };
  } else if (knob.type === 'bool') {
    if (typeof value !== 'boolean') return { kind: 'type', message: `needs true or false, got ${shown}` };
  } else if (typeof value !== 'string')
    return { kind: 'type', message: `needs text, got ${value === null ? 'null' : typeof value} ${shown}` };
  if (knob.choices && !knob.choices.some((choice) => choice === value))
    return {
      kind: 'range',
      message: `${shown} is not one of ${knob.choices
        .map((c) => JSON.stringify(c))
        .join(', ')
        .slice(0, 400)}`,
    };
  if (knob.range && typeof value === 'number' && (value < knob.range[0] || value > knob.range[1]))
    return { kind: 'range', message: `${shown} is outside [${knob.range[0]}, ${knob.range[1]}]` };
  return null;
}

/** The configuration in which every knob has its default: what the baseline runs. */
export function defaultConfig(menu: Menu): Config {
  return Object.fromEntries(Object.entries(menu.knobs).map(([name, knob]) => [name, knob.default]));
}

// Menu files of the field carry remarks under keys that begin with an underscore.
function withoutNotes(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input;
  return Object.fromEntries(Object.entries(input).filter(([key]) => !key.startsWith('_')));
}

function normaliseKnob(name: string, input: z.output<typeof knobSchema>, errors: FieldError[]): Knob {
  const at = (key: string, message: string) => errors.push({ path: `knobs.${name}${key && `.${key}`}`, message });
  const { type, range, scale, doc } = input;
  const choices = input.choices ?? (type === 'bool' && !range ? [false, true] : undefined);
  if (range && choices) at('', 'has both range and choices; keep one');
  if (!range && !choices) at('', `needs range: [low, high] or choices: [...]`);
  if (range && (type === 'str' || type === 'bool')) at('range', `a ${type} knob takes choices, not a range`);
  if (range && !(range[0] < range[1])) at('range', `low must be below high, got [${range[0]}, ${range[1]}]`);
  if (range && !Number.isFinite(range[1] - range[0])) at('range', 'is too wide: its width must be a finite number');
  if (range && type === 'int' && !range.every(Number.isSafeInteger)) at('range', 'an int knob needs whole bounds');
  if (scale === 'log' && !(range && range[0] > 0)) at('scale', 'log needs a range above 0');
  if (choices && new Set(choices.map((c) => JSON.stringify(c))).size < choices.length)
    at('choices', 'has the same value twice');
  const isWide = range !== undefined && type === 'float' && range[0] > 0 && range[1] / range[0] >= 999.999;
  const knob: Knob = {
    type,
    ...(range ? { range } : {}),
    ...(choices ? { choices } : {}),
    scale: scale ?? (isWide ? 'log' : 'linear'),
    default: input.default,
    doc: doc ?? '',
  };
  for (const choice of choices ?? []) {
    const problem = knobValueProblem({ ...knob, choices: undefined }, choice);
    if (problem) at('choices', problem.message);
  }
  const problem = knobValueProblem(knob, input.default);
  if (problem) at('default', problem.message);
  return knob;
}

/**
 * Checks a menu, inline or as read from a menu file of the field, and fills in what was left out.
 * @throws AppError `invalid_menu` with every problem found, constraint errors included.
 */
export function parseMenu(input: unknown): Menu {
  const parsed = menuInputSchema.safeParse(withoutNotes(input));
  if (!parsed.success)
    throw new AppError('invalid_menu', 'the menu is not valid', { errors: fieldErrors(parsed.error) });
  const errors: FieldError[] = [];
  const { knobs, constraints, cross_constraints } = parsed.data;
  if (Object.keys(knobs).length === 0) errors.push({ path: 'knobs', message: 'a menu needs at least one knob' });
  if (constraints && cross_constraints)
    errors.push({ path: 'constraints', message: 'give constraints or cross_constraints, not both' });
  const key = cross_constraints ? 'cross_constraints' : 'constraints';
  const menu: Menu = {
    knobs: Object.fromEntries(Object.entries(knobs).map(([name, knob]) => [name, normaliseKnob(name, knob, errors)])),
    constraints: (constraints ?? cross_constraints ?? []).map((c) => ({ id: c.id, rule: c.rule, doc: c.doc ?? '' })),
  };
  if (new Set(menu.constraints.map((c) => c.id)).size < menu.constraints.length)
    errors.push({ path: key, message: 'has the same id twice' });
  if (errors.length === 0) {
    const compiled = compileConstraints(menu);
    for (const problem of compiled.problems)
      errors.push({ path: `${key}.${problem.index}.rule`, message: problem.message });
    if (compiled.problems.length === 0) {
      for (const broken of compiled.violations(defaultConfig(menu)))
        errors.push({
          path: key,
          message: `the defaults break ${broken.id}: ${broken.rule}${broken.error ? ` (${broken.error})` : ''}`,
        });
    }
  }
  if (errors.length > 0) throw new AppError('invalid_menu', 'the menu is not valid', { errors });
  return menu;
}
