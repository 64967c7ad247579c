import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { compileConstraints, defaultConfig, knobValueProblem, type Config, type Knob } from '@nightshift/protocol';
import { seededRandom } from '@nightshift/control-plane/search/random';
import { OBJECTIVES } from './objectives.js';

/** `objective.js NAME < config.json`: prints the metric, or exits 1 with the reason on stderr. Left-out knobs have their default. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, exact: { type: 'boolean' }, menu: { type: 'boolean' } },
});
const objective = OBJECTIVES.find((one) => one.name === positionals[0]);

function fail(message: string, status: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}

if (!objective)
  fail(
    `usage: objective.js ${OBJECTIVES.map((one) => one.name).join('|')} [--menu] [--seed TEXT] [--exact] < config.json`,
    2,
  );
const { menu } = objective;
if (values.menu) {
  process.stdout.write(`${JSON.stringify({ knobs: menu.knobs, constraints: menu.constraints }, null, 2)}\n`);
} else {
  let given: Config;
  try {
    given = JSON.parse(await text(process.stdin)) as Config;
  } catch {
    fail('standard input must be a configuration as JSON', 2);
  }
  const config = { ...defaultConfig(menu), ...given };
  for (const [name, value] of Object.entries(config)) {
    const knob: Knob | undefined = Object.hasOwn(menu.knobs, name) ? menu.knobs[name] : undefined;
    const problem = knob ? knobValueProblem(knob, value)?.message : 'is not a knob of this objective';
    if (problem) fail(`${name} ${problem}`, 2);
  }
  const broken = compileConstraints(menu).violations(config)[0];
  if (broken) fail(`breaks ${broken.id}: ${broken.rule}`, 2);
  const measured = objective.measure(config);
  if (!('value' in measured)) fail(measured.failure, 1);
  const baseline = objective.measure(defaultConfig(menu));
  const noiseSd = 'value' in baseline && !values.exact ? objective.relativeNoise * Math.abs(baseline.value) : 0;
  const seed = values.seed ?? randomBytes(8).toString('hex');
  process.stdout.write(`${measured.value + noiseSd * seededRandom(seed).normal()}\n`);
}
