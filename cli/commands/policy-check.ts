import type { Command } from 'commander';
import {
  AppError,
  compileConstraints,
  configKey,
  defaultConfig,
  knobValueProblem,
  type Config,
  type Menu,
} from '@nightshift/protocol';
import { gate } from '@nightshift/control-plane/policy/index';
import { measuredConfigs } from '@nightshift/control-plane/policy/bench-history';
import { plainText } from '@nightshift/control-plane/trajectory/wording';
import { readTrajectory } from '@nightshift/control-plane/trajectory/index';
import { withJson, type Cli, type ClientOptions } from '../cli.js';
import { readConfigFile } from '../config-file.js';
import { EXIT } from '../exit-codes.js';
import { atFile, readInput, readMenuFile } from '../input-file.js';

interface CheckOptions extends ClientOptions {
  menu: string;
  proposal: string;
  comparator?: string;
  candidate?: string;
  history?: string;
}

export function addPolicyCheck(policy: Command, cli: Cli): void {
  withJson(policy.command('check'))
    .description('take one proposal past the rails (offline); exit 20 when a rail blocks it')
    .requiredOption('--menu <menu>', 'the menu to judge by')
    .requiredOption('--proposal <json>', 'what a model answered, as it is; - reads the standard input')
    .option('--comparator <config>', 'what it is compared with: JSON, or a file of it (default: the defaults)')
    .option('--candidate <config>', 'the complete configuration that is meant to run, for the diff rail')
    .option('--history <trajectory>', 'what has been measured before, for the repeat rail')
    .action((options: CheckOptions) => {
      const menu = readMenuFile(options.menu);
      const comparator = comparatorOf(menu, options.comparator);
      const { history: path } = options;
      const measured =
        path === undefined
          ? null
          : atFile(path, () => measuredConfigs(readTrajectory(readInput(path), { menu }), menu, comparator));
      const verdict = gate(options.proposal === '-' ? readInput('-').replace(/\n$/, '') : options.proposal, {
        menu,
        constraints: compileConstraints(menu),
        comparator,
        repeat: 'reject',
        measured(key) {
          const description = measured?.get(key);
          return description === undefined ? false : { description };
        },
        candidate: options.candidate === undefined ? undefined : readConfigFile(options.candidate),
      });
      const { terminal } = cli;
      if (verdict.verdict === 'pass') {
        const { proposal, config } = verdict;
        if (options.json)
          terminal.json({ verdict: 'pass', rail: null, reason: null, config, configKey: configKey(config) });
        else
          terminal.out(`pass: ${proposal.knob} ${String(comparator[proposal.knob])} → ${String(proposal.newValue)}\n`);
        return;
      }
      if (options.json)
        terminal.json({ verdict: 'block', rail: verdict.rail, reason: verdict.reason, config: null, configKey: null });
      else terminal.out(`block by ${verdict.rail}: ${plainText(verdict.reason, 1000)}\n`);
      cli.exitCode = EXIT.blocked;
    });
}

function comparatorOf(menu: Menu, given: string | undefined): Config {
  const defaults = defaultConfig(menu);
  if (given === undefined) return defaults;
  const config = readConfigFile(given);
  for (const [name, value] of Object.entries(config)) {
    const knob = Object.hasOwn(menu.knobs, name) ? menu.knobs[name] : undefined;
    const problem = knob ? knobValueProblem(knob, value)?.message : 'is not a knob of the menu';
    if (problem !== undefined) throw new AppError('bad_request', `--comparator: ${name}: ${problem}`);
  }
  return { ...defaults, ...config };
}
