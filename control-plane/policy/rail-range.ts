import { knobValueProblem, type Knob, type KnobValue } from '@nightshift/protocol';
import { legalValues, sentence, shown } from './text.js';

/** Rail `range`: the value has the knob's type, is finite, and is within the bounds or among the choices. Nothing is coerced. */
export function railRange(name: string, value: KnobValue, knob: Knob): string | null {
  const problem = knobValueProblem(knob, value);
  if (problem === null) return null;
  const outside = knob.choices ? 'is not a choice' : 'is out of bounds';
  const what = problem.kind === 'range' ? `${shown(value)} ${outside}` : problem.message;
  return sentence(`${name}: ${what}. Legal: ${legalValues(knob)}.`);
}
