import type { Command } from 'commander';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { findRun } from '../find-run.js';
import { followRun } from '../follow-run.js';
import { onInterrupt } from '../interrupt.js';
import { tellRun } from '../tell-run.js';
import { unsealedText } from '../unsealed-text.js';

export function addWatch(program: Command, cli: Cli): void {
  withServer(program.command('watch'))
    .description('show a run from its beginning, a line an iteration, until it ends')
    .argument('[run]', 'an id, the beginning of one, or latest', 'latest')
    .action(async (asked: string, options: ClientOptions) => {
      const { terminal } = cli;
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      const interrupt = onInterrupt();
      try {
        if (!options.json) {
          terminal.err(`${run.id}  ${run.project}, ${run.state}\n${unsealedText(run)}`);
          await tellRun(api, run, {
            say: terminal.out,
            complain: terminal.err,
            columns: terminal.columns,
            signal: interrupt.signal,
          });
          return;
        }
        const onLost = (error: Error) => terminal.err(`${error.message}; still trying\n`);
        for await (const news of followRun(api, run.id, { signal: interrupt.signal, onLost })) terminal.json(news);
      } finally {
        interrupt.release();
      }
    });
}
