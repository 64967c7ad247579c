import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf } from '../client.js';
import { findRun } from '../find-run.js';
import { readInput } from '../input-file.js';
import { parseCount, parseIteration } from '../option-parsers.js';
import { waitForRun } from '../wait-for-run.js';

interface RewindOptions extends ClientOptions {
  iterations?: number;
  notes?: string;
  wait?: boolean;
}

export function addRewind(program: Command, cli: Cli): void {
  withServer(program.command('rewind'))
    .description('start a new run from where a run stood after a kept iteration; its branch goes on from that commit')
    .argument('<run>', 'an id, the beginning of one, or latest')
    .argument('<iteration>', 'the number of a kept one; 0 is the baseline', parseIteration)
    .option('--iterations <n>', 'instead of stop.iterations of the spec', parseCount)
    .option('--notes <program.md>', 'other strategy notes for the proposer')
    .option('--wait', 'follow the new run to its end, as nightshift run --wait does')
    .action(async (asked: string, iteration: number, options: RewindOptions) => {
      const api = apiOf(cli, options);
      const { id } = await findRun(api, asked);
      const { iterations, notes } = options;
      const run = await dataOf(
        api.POST('/v1/runs/{id}/rewind', {
          params: { path: { id }, header: { 'idempotency-key': randomUUID() } },
          body: {
            iteration,
            ...(iterations === undefined ? {} : { iterations }),
            ...(notes === undefined ? {} : { notes: readInput(notes) }),
          },
        }),
      );
      const from = iteration === 0 ? 'the baseline' : `iteration ${iteration}`;
      cli.terminal.err(`Started from ${from} of ${id}.\n  follow it  nightshift watch ${run.id}\n`);
      if (options.wait) cli.exitCode = await waitForRun(cli, api, run, options);
      else if (options.json) cli.terminal.json(run);
      else cli.terminal.out(`${run.id}\n`);
    });
}
