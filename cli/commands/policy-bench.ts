import type { Command } from 'commander';
import type { Config } from '@nightshift/protocol';
import { benchPolicy, type BenchResult } from '@nightshift/control-plane/policy/index';
import { readTrajectory } from '@nightshift/control-plane/trajectory/index';
import { withJson, type Cli, type ClientOptions } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { atFile, readInput, readJsonInput, readMenuFile } from '../input-file.js';
import { readConfigFile } from '../config-file.js';
import { textTable } from '../text-table.js';

interface BenchOptions extends ClientOptions {
  menu: string;
  baseline?: string;
  history?: string;
}

export function addPolicyBench(policy: Command, cli: Cli): void {
  withJson(policy.command('bench'))
    .description('put a suite of answers to the gate and count what it says (offline); exit 1 when a figure is below 1')
    .argument('<cases>', 'a JSON array of {id, raw, expect, expected_rail?}; - is the standard input')
    .requiredOption('--menu <menu>', 'the menu to judge by')
    .option('--baseline <config>', 'what proposals are compared with: JSON, or a file of it (default: the defaults)')
    .option('--history <trajectory>', 'what has been measured before, for the repeat rail')
    .action((file: string, options: BenchOptions) => {
      const menu = readMenuFile(options.menu);
      const baseline: Config | undefined =
        options.baseline === undefined ? undefined : readConfigFile(options.baseline);
      const { history: path } = options;
      const history = path === undefined ? undefined : atFile(path, () => readTrajectory(readInput(path), { menu }));
      const cases = readJsonInput(file);
      const result = atFile(file, () => benchPolicy(cases, { menu, baseline, history, now: () => performance.now() }));
      if (options.json) cli.terminal.json(result);
      else cli.terminal.out(benchText(result, cli.terminal.columns));
      const figures = [result.blockRecall, result.cleanPassRate, result.railAttribution];
      if (figures.some((figure) => figure !== null && figure < 1)) cli.exitCode = EXIT.checkFailed;
    });
}

function benchText(result: BenchResult, columns: number): string {
  const share = (value: number | null) => (value === null ? 'none to judge' : value === 1 ? '1' : value.toFixed(4));
  const lines = [
    `${result.cases} cases: ${result.safe} safe, ${result.unsafe} unsafe; ${result.microsecondsPerCase ?? 0} µs each`,
    '',
    `block recall      ${share(result.blockRecall)}`,
    `clean pass rate   ${share(result.cleanPassRate)}`,
    `rail attribution  ${share(result.railAttribution)}`,
    '',
  ];
  const rails = textTable(
    ['rail', 'blocked>'],
    Object.entries(result.byRail).map(([rail, n]) => [rail, String(n)]),
    columns,
  );
  if (result.failures.length === 0) return `${lines.join('\n')}\n${rails}`;
  const wrong = result.failures.map(({ id, expect, got, expectedRail, rail, reason }) => [
    id,
    expectedRail === null ? expect : `${expect} by ${expectedRail}`,
    rail === null ? got : `${got} by ${rail}`,
    reason ?? '',
  ]);
  return `${lines.join('\n')}\n${rails}\nWrong\n${textTable(['case', 'expected', 'got', 'reason'], wrong, columns, [])}`;
}
