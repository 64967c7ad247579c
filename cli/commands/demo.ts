import { Option, type Command } from 'commander';
import { DEFAULT_PORT } from '@nightshift/protocol';
import { withJson, type Cli } from '../cli.js';
import type { DemoOptions } from '../demo/run-demo.js';
import { parseCount, parsePort } from '../option-parsers.js';

export function addDemo(program: Command, cli: Cli): void {
  withJson(program.command('demo'))
    .description('control plane, box and a run that really trains, on this machine; nothing else is needed')
    .option('--once', 'end after the run')
    .addOption(
      new Option('--mode <mode>', 'menu: knobs are tuned; code: a scripted model edits the training code')
        .choices(['menu', 'code'])
        .default('menu'),
    )
    .option('--iterations <n>', 'how many candidates (default: 12; code: 10)', parseCount)
    .option('--port <port>', `where to listen (default: ${DEFAULT_PORT}, or a free one)`, parsePort)
    .option('--database <url>', 'an empty Postgres database instead of its own')
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('../demo/run-demo.js');
      await runDemo(cli, options);
    });
}
