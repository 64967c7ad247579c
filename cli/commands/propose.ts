import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Run } from '../client.js';
import { findRun } from '../find-run.js';
import { readInput } from '../input-file.js';
import { printVerdict } from '../print-verdict.js';

interface ProposeOptions extends ClientOptions {
  knob?: string;
  value?: string;
  reason?: string;
  raw?: string;
}

export function addPropose(program: Command, cli: Cli): void {
  withServer(program.command('propose'))
    .description('propose a change, under the same rails as everybody; exit 20 when a rail blocks it')
    .argument('<run>', 'an id, the beginning of one, or latest')
    .option('--knob <name>', 'what to change')
    .option('--value <value>', 'its new value')
    .option('--reason <text>', 'why', '')
    .option('--raw <file>', 'instead: the answer of a model as it is; - reads the standard input')
    .action(async (asked: string, options: ProposeOptions) => {
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      const verdict = await dataOf(
        api.POST('/v1/runs/{id}/proposals', {
          params: { path: { id: run.id }, header: { 'idempotency-key': randomUUID() } },
          body: bodyOf(run, options),
        }),
      );
      printVerdict(cli, run.id, verdict, options);
    });
}

function bodyOf(run: Run, { knob, value, reason = '', raw }: ProposeOptions) {
  if (raw !== undefined) {
    if (knob !== undefined || value !== undefined)
      throw new AppError('bad_request', 'give --raw, or --knob and --value, not both');
    return { raw: readInput(raw).replace(/\r?\n$/, '') };
  }
  if (knob === undefined || value === undefined)
    throw new AppError('bad_request', 'say what to propose', { hint: '--knob K --value V --reason R, or --raw FILE' });
  return { knob, newValue: valueFor(run, knob, value), reason };
}

/** A value from the command line is text for a knob of text, and JSON for every other. What is neither goes to the rails as text. */
function valueFor(run: Run, knob: string, text: string): number | string | boolean {
  const menu = run.spec.menu as { knobs?: Record<string, { type?: string }> } | null;
  if (menu?.knobs && Object.hasOwn(menu.knobs, knob) && menu.knobs[knob]?.type === 'str') return text;
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text.trim() !== '' && Number.isFinite(number) ? number : text;
}
