import { randomBytes, randomInt } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { compileConstraints, defaultConfig, knobValueProblem, type Config, type Knob } from '@nightshift/protocol';
import { seededRandom } from '@nightshift/control-plane/search/random';
import { byteLm } from './objective-byte-lm.js';
import { OBJECTIVES, type Measurement, type Objective } from './objectives.js';

/** The one objective whose truth nobody knows. */
const TRAINED = 'byte-lm';
const NAMES = [...OBJECTIVES.map((one) => one.name), TRAINED].join('|');
const USAGE = `usage: objective.js ${NAMES} [--menu] [--seed SEED] [--exact] < config.json

Prints the metric of one configuration; knobs that it leaves out have their default. ${TRAINED} is trained for it, for its budget of wall time.

  --menu        print the menu instead: knobs and constraints
  --seed SEED   of the noise: any text; for ${TRAINED} the training's seed, a whole number. Another one each time unless told
  --exact       the metric without noise; not for ${TRAINED}
  --help        print this

Exits 1 when the configuration cannot be run, 2 when it is not legal or the command is wrong; the reason is on standard error.
`;

function fail(message: string, status: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}

/** Another command line than the usage's ends here. */
function commandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        exact: { type: 'boolean' },
        menu: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    return { ...values, positionals };
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${USAGE}`, 2);
  }
}

const { positionals, ...options } = commandLine();
if (options.help) process.stdout.write(USAGE);
else await answer(positionals);

async function answer([name, ...more]: string[]): Promise<void> {
  if (name === undefined) fail(`which objective?\n\n${USAGE}`, 2);
  if (more.length > 0) fail(`one objective at a time, got ${name} ${more.join(' ')}\n\n${USAGE}`, 2);
  const objective = OBJECTIVES.find((one) => one.name === name);
  if (!objective && name !== TRAINED) fail(`no objective is called ${name}; there are ${NAMES}`, 2);
  const work = objective ?? byteLm();
  if (options.menu) {
    const { knobs, constraints } = work.menu;
    process.stdout.write(`${JSON.stringify({ knobs, constraints }, null, 2)}\n`);
    return;
  }
  const measure = 'train' in work ? training(work.train) : simulation(work);
  const measured = measure(legal(await text(process.stdin), work.menu));
  if (!('value' in measured)) fail(measured.failure, 1);
  process.stdout.write(`${measured.value}\n`);
}

/** The training with the seed that was asked for. */
function training(train: (config: Config, seed: number) => Measurement): (config: Config) => Measurement {
  if (options.exact)
    fail(`${TRAINED} has no exact value: it is trained for real, and every training is noisy; leave --exact out`, 2);
  const seed = options.seed === undefined ? randomInt(2 ** 31) : Number(options.seed);
  if (!Number.isSafeInteger(seed) || seed < 0 || options.seed === '')
    fail(`--seed of ${TRAINED} is the training's seed, a whole number from 0; got ${options.seed}`, 2);
  return (config) => train(config, seed);
}

/** The truth, and the noise that was asked for. */
function simulation({ menu, measure, relativeNoise }: Objective): (config: Config) => Measurement {
  const luck = seededRandom(options.seed ?? randomBytes(8).toString('hex'));
  const baseline = measure(defaultConfig(menu));
  const noiseSd = 'value' in baseline && !options.exact ? relativeNoise * Math.abs(baseline.value) : 0;
  return (config) => {
    const exact = measure(config);
    return 'value' in exact ? { value: exact.value + noiseSd * luck.normal() } : exact;
  };
}

function legal(input: string, menu: Objective['menu']): Config {
  let given: unknown;
  try {
    given = JSON.parse(input);
  } catch {
    given = null;
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    fail('standard input must be a configuration as JSON, {"knob": value, ...}; {} is the defaults', 2);
  const config = { ...defaultConfig(menu), ...(given as Config) };
  for (const [name, value] of Object.entries(config)) {
    const knob: Knob | undefined = Object.hasOwn(menu.knobs, name) ? menu.knobs[name] : undefined;
    const problem = knob ? knobValueProblem(knob, value)?.message : 'is not a knob of this objective';
    if (problem) fail(`${name} ${problem}`, 2);
  }
  const broken = compileConstraints(menu).violations(config)[0];
  if (broken) fail(`breaks ${broken.id}: ${broken.rule}`, 2);
  return config;
}
