import { Environment } from '@marcbachmann/cel-js';
import type { Config, Constraint, Knob, Menu } from './menu.js';

/** A constraint that a configuration breaks; `error` is set when the rule could not be evaluated (a division by zero, say). */
export interface Violation extends Constraint {
  error?: string;
}
export interface CompiledConstraints {
  /** Rules that are not CEL, name no knob, or are not true/false; index is the rule's place in the menu. */
  problems: { index: number; id: string; message: string }[];
  /** The constraints that a complete configuration breaks, in the menu's order. */
  violations(config: Config): Violation[];
}

const celType = { int: 'int', float: 'double', str: 'string', bool: 'bool' } as const;

// CEL keeps int and double apart: a JavaScript number would be a double, so an int knob goes in as a BigInt.
function toCel(knob: Knob, value: Config[string]): unknown {
  return knob.type === 'int' && typeof value === 'number' ? BigInt(value) : value;
}

/** Compiles a menu's constraints once (Common Expression Language, https://cel.dev), so that a gate can test thousands of configurations. */
export function compileConstraints(menu: Pick<Menu, 'knobs' | 'constraints'>): CompiledConstraints {
  const environment = new Environment();
  for (const [name, knob] of Object.entries(menu.knobs)) environment.registerVariable(name, celType[knob.type]);
  const problems: CompiledConstraints['problems'] = [];
  const programs: { constraint: Constraint; evaluate: (context: Record<string, unknown>) => unknown }[] = [];
  menu.constraints.forEach((constraint, index) => {
    const checked = environment.check(constraint.rule);
    if (!checked.valid) problems.push({ index, id: constraint.id, message: explain(checked.error) });
    else if (checked.type !== 'bool')
      problems.push({
        index,
        id: constraint.id,
        message: `a rule must be true or false; this one gives ${checked.type}`,
      });
    else programs.push({ constraint, evaluate: environment.parse(constraint.rule) });
  });
  return {
    problems,
    violations(config) {
      const context: Record<string, unknown> = {};
      for (const [name, knob] of Object.entries(menu.knobs)) {
        const value = config[name];
        if (value !== undefined) context[name] = toCel(knob, value);
      }
      const broken: Violation[] = [];
      for (const { constraint, evaluate } of programs) {
        try {
          if (evaluate(context) !== true) broken.push(constraint);
        } catch (error) {
          broken.push({ ...constraint, error: explain(error) });
        }
      }
      return broken;
    },
  };
}

function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const first = message.split('\n', 1)[0] ?? message;
  return first.includes('no such overload')
    ? `${first} (CEL keeps int and double apart: write double(x) or 2.0)`
    : first;
}
