import type { CompiledConstraints, Config, Violation } from '@nightshift/protocol';
import { sentence } from './text.js';

/** Rail `cross`: the complete configuration satisfies every constraint. A constraint that cannot be evaluated blocks too. */
export function railCross(config: Config, constraints: CompiledConstraints): string | null {
  const unusable = constraints.problems[0];
  if (unusable) return sentence(`the constraint ${unusable.id} of the menu cannot be used: ${unusable.message}`);
  const broken = violationsOf(config, constraints);
  const first = broken[0];
  if (!first) return null;
  const words = new Set(first.rule.match(/[A-Za-z]\w*/g));
  const involved = Object.keys(config).filter((name) => words.has(name));
  const having = involved.map((name) => `${name} = ${JSON.stringify(config[name])}`).join(', ');
  const more =
    broken.length > 1
      ? ` Also broken: ${broken
          .slice(1)
          .map((other) => other.id)
          .join(', ')}.`
      : '';
  return sentence(
    first.error === undefined
      ? `breaks ${first.id}: needs ${first.rule}, but would have ${having}.${more}${first.doc && ` (${first.doc})`}`
      : `${first.id} (${first.rule}) cannot be evaluated with ${having}: ${first.error}.${more}`,
  );
}

function violationsOf(config: Config, constraints: CompiledConstraints): Violation[] {
  try {
    return constraints.violations(config);
  } catch (error) {
    // A comparator that is illegal itself (half a layer, say) cannot be put to the rules; what cannot be checked is not run.
    return [{ id: 'constraints', rule: 'all', doc: '', error: error instanceof Error ? error.message : String(error) }];
  }
}
