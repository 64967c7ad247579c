// The three verbs of a person at the wheel differ in one word, so they share a file.
import type { Command } from 'commander';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf } from '../client.js';
import { findRun } from '../find-run.js';

const VERBS = [
  ['pause', '/v1/runs/{id}/pause', 'let what trains end, start nothing new', 'go on with: nightshift resume'],
  ['resume', '/v1/runs/{id}/resume', 'go on where the pause began', 'follow it with: nightshift watch'],
  ['stop', '/v1/runs/{id}/stop', 'stop the jobs and end the run', 'see what it came to with: nightshift report'],
] as const;

export function addSteer(program: Command, cli: Cli): void {
  for (const [verb, path, description, next] of VERBS)
    withServer(program.command(verb))
      .description(description)
      .argument('<run>', 'an id, the beginning of one, or latest')
      .action(async (asked: string, options: ClientOptions) => {
        const api = apiOf(cli, options);
        const { id } = await findRun(api, asked);
        const run = await dataOf(api.POST(path, { params: { path: { id } } }));
        if (options.json) cli.terminal.json(run);
        else cli.terminal.out(`${id} is ${run.isStopping ? 'being stopped' : run.state}; ${next} ${id}\n`);
      });
}
