import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf } from '../client.js';
import { findRun } from '../find-run.js';

interface AskOptions extends ClientOptions {
  write?: string;
}

/** Beside the editable files: what a proposer should have read. */
const MEMORY_FILE = 'NIGHTSHIFT.md';

export function addAsk(program: Command, cli: Cli): void {
  withServer(program.command('ask'))
    .description('code mode: what the next patch changes, and everything that was tried; answer with: nightshift tell')
    .argument('[run]', 'an id, the beginning of one, or latest', 'latest')
    .option('--write <dir>', `write the editable files there, and the memory as ${MEMORY_FILE}`)
    .action(async (asked: string, options: AskOptions) => {
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      const path = { id: run.id };
      const code = await dataOf(api.GET('/v1/runs/{id}/code', { params: { path } }));
      const { messages } = await dataOf(api.GET('/v1/runs/{id}/prompt', { params: { path, query: { mode: 'code' } } }));
      const memory = messages.map(({ content }) => content).join('\n\n');
      const { terminal } = cli;
      if (options.write !== undefined) {
        const folder = resolve(options.write);
        for (const { path, content } of code.files) writeBelow(folder, path, content);
        writeBelow(folder, MEMORY_FILE, `${memory}\n`);
        terminal.err(
          `Wrote ${code.files.map(({ path }) => path).join(', ')} and ${MEMORY_FILE} to ${options.write}.\n`,
        );
      }
      if (options.json) terminal.json({ run: run.id, ...code, memory });
      else if (options.write === undefined) terminal.out(`${memory}\n`);
      const base = code.baseCommit === null ? '' : `, on commit ${code.baseCommit.slice(0, 12)}`;
      terminal.err(
        `The next patch changes the ${code.comparator}${base}.\n  → nightshift tell ${run.id} --patch FILE, or --commit SHA\n`,
      );
    });
}

function writeBelow(folder: string, path: string, content: string): void {
  const target = join(folder, path);
  if (!target.startsWith(folder + sep))
    throw new AppError('protocol_error', `the server names a file outside: ${path}`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
}
