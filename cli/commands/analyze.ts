import { basename } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { Goal } from '@nightshift/protocol';
import { analyze, readTrajectory, reportHtml, reportText } from '@nightshift/control-plane/trajectory/index';
import { withJson, type Cli, type ClientOptions } from '../cli.js';
import { atFile, readInput, readMenuFile, writeOutput } from '../input-file.js';

interface AnalyzeOptions extends ClientOptions {
  menu?: string;
  report?: string;
  goal?: Goal;
}

export function addAnalyze(program: Command, cli: Cli): void {
  withJson(program.command('analyze'))
    .description('judge a trajectory: a Nightshift export, a trajectory JSONL of the field, or a results.tsv (offline)')
    .argument('<file>', 'the file; - is the standard input')
    .option('--menu <menu>', 'the menu, for knob coverage where the file does not carry one')
    .option('--goal <goal>', 'minimize or maximize, where the file does not say', parseGoal)
    .option('--report <out.html>', 'write the report with its pictures as one HTML page')
    .action((file: string, options: AnalyzeOptions) => {
      const menu = options.menu === undefined ? undefined : readMenuFile(options.menu);
      const text = readInput(file);
      const trajectory = atFile(file, () => readTrajectory(text, { menu, goal: options.goal }));
      const analysis = analyze(trajectory);
      const title = file === '-' ? 'Trajectory report' : basename(file);
      if (options.report !== undefined) writeOutput(options.report, reportHtml(trajectory, analysis, title));
      if (options.json) cli.terminal.json(analysis);
      else cli.terminal.out(reportText(trajectory, analysis, { title, width: cli.terminal.columns }));
      if (options.report !== undefined) cli.terminal.err(`Wrote ${options.report}.\n`);
    });
}

function parseGoal(text: string): Goal {
  if (text !== 'minimize' && text !== 'maximize') throw new InvalidArgumentError('It needs minimize or maximize.');
  return text;
}
