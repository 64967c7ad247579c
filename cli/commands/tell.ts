import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Run } from '../client.js';
import { findRun } from '../find-run.js';
import { commitPatch } from '../git/commit-patch.js';
import { readInput } from '../input-file.js';
import { printVerdict } from '../print-verdict.js';

interface TellOptions extends ClientOptions {
  patch?: string;
  commit?: string;
  repo: string;
  reason?: string;
  summary?: string;
}

export function addTell(program: Command, cli: Cli): void {
  withServer(program.command('tell'))
    .description('code mode: hand in a patch, under the same rails as everybody; exit 20 when a rail blocks it')
    .argument('[run]', 'an id, the beginning of one, or latest', 'latest')
    .option('--patch <file>', 'a unified diff, search/replace blocks or whole files; - reads the standard input')
    .option('--commit <sha>', 'what this commit changes in the editable files')
    .option('--repo <dir>', 'with --commit: the folder of the project', '.')
    .option('--reason <text>', 'why it should help (with --commit: else its message)')
    .option('--summary <text>', 'what it changes, in a line of at most 72 characters')
    .action(async (asked: string, options: TellOptions) => {
      const { patch: file, commit } = options;
      if ((file === undefined) === (commit === undefined))
        throw new AppError('bad_request', 'say what to hand in', { hint: '--patch FILE, or --commit SHA' });
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      const patch =
        file === undefined
          ? await fromCommit(cli, run, commit as string, options)
          : withWords(readInput(file), options);
      const verdict = await dataOf(
        api.POST('/v1/runs/{id}/proposals', {
          params: { path: { id: run.id }, header: { 'idempotency-key': randomUUID() } },
          body: { patch },
        }),
      );
      printVerdict(cli, run.id, verdict, options);
    });
}

async function fromCommit(cli: Cli, run: Run, commit: string, options: TellOptions): Promise<string> {
  const { edit } = run.spec as { edit: { files: string[]; sealed: string[] } | null };
  if (!edit) throw new AppError('illegal_state', 'the run is in menu mode: use nightshift propose');
  const { subject, body, diff, left } = await commitPatch(resolve(options.repo), commit, edit);
  if (left.length > 0)
    cli.terminal.err(`warning: left out, since they may not be edited: ${left.slice(0, 10).join(', ')}\n`);
  return withWords(diff, { summary: options.summary ?? subject, reason: options.reason ?? (body || subject) });
}

/** Our words go before the change; without any the patch speaks for itself. */
function withWords(patch: string, { summary, reason }: Pick<TellOptions, 'summary' | 'reason'>): string {
  const line = (label: string, text: string | undefined) =>
    text === undefined ? [] : [`${label}: ${text.replace(/\s+/g, ' ').trim()}`];
  const words = [...line('SUMMARY', summary), ...line('REASON', reason)];
  return words.length === 0 ? patch : `${words.join('\n')}\n\n${patch}`;
}
