import type { Command } from 'commander';
import type { Decision, Screening } from '@nightshift/protocol';
import { metricText, plainText } from '@nightshift/control-plane/trajectory/wording';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import type { Iteration } from '../client.js';
import { findRun } from '../find-run.js';
import { listIterations } from '../follow-run.js';
import { changeText, effectText, failureLine, whyNot } from '../iteration-line.js';
import { textTable } from '../text-table.js';

interface IterationsOptions extends ClientOptions {
  failed?: boolean;
}

/** What came to nothing: kept as records, so that nobody tries it again unawares. */
const FAILED: ReadonlySet<Iteration['state']> = new Set([
  'blocked',
  'failed',
  'reverted',
  'inconclusive',
  'screened_out',
]);

export function addIterations(program: Command, cli: Cli): void {
  withServer(program.command('iterations'))
    .description('what a run has tried, one line each, with the cause where it came to nothing')
    .argument('[run]', 'an id, the beginning of one, or latest', 'latest')
    .option('--failed', 'only what was blocked, failed, or was not kept')
    .action(async (asked: string, options: IterationsOptions) => {
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      const all = await listIterations(api, run.id);
      const shown = options.failed ? all.filter(({ state }) => FAILED.has(state)) : all;
      if (options.json) cli.terminal.json({ run: run.id, items: shown });
      else if (shown.length === 0)
        cli.terminal.err(
          options.failed
            ? 'Nothing has failed.\n'
            : run.endedAt === null
              ? 'No iterations yet.\n'
              : 'The run ended before its first iteration.\n',
        );
      else {
        const mark = run.measurement === 'unsealed' ? ' (unsealed)' : '';
        const headings = ['#>', 'by', 'change', `${run.metric.name}${mark}>`, 'effect ± se>', 'outcome', 'cause'];
        cli.terminal.out(textTable(headings, shown.map(row), cli.terminal.columns, [5]));
      }
    });
}

function row(iteration: Iteration): string[] {
  const { number, proposer, metric, state, repairs } = iteration;
  const decision = iteration.decision as Decision | null;
  const isScreened = iteration.screening !== null && state !== 'screened_out';
  return [
    String(number),
    proposer ?? '',
    changeText(iteration, null),
    metric === null ? '' : metricText(metric),
    decision ? effectText(decision.effect, decision.standardError) : '',
    [state.replace('_', ' '), isScreened ? 'screened' : '', repairs > 0 ? `repaired ${repairs}×` : '']
      .filter(Boolean)
      .join(', '),
    causeOf(iteration, decision),
  ];
}

function causeOf(iteration: Iteration, decision: Decision | null): string {
  const why = whyNot(iteration);
  const cheap = cheapText(iteration.screening as Screening | null);
  if (why === '')
    return plainText([iteration.state === 'kept' ? '' : decision?.reason, cheap].filter(Boolean).join(' '));
  const { blocked, state } = iteration;
  const last = blocked.at(-1) as { reason?: string } | undefined;
  const screening = iteration.screening as Screening | null;
  if (state === 'screened_out') return plainText(screening?.reason ?? why);
  const detail = state === 'blocked' ? (last?.reason ?? '') : failureLine(iteration);
  return plainText(detail === '' ? why : `${why}: ${detail}`);
}

/** What the cheap budget had said of something that got its full one. */
function cheapText(screening: Screening | null): string {
  if (screening === null || screening.outcome === 'screened_out') return '';
  if (screening.outcome === 'unknown') return `Screening: ${screening.reason}`;
  return screening.effect === null ? '' : `Screened first: ${effectText(screening.effect, null)} at the cheap budget.`;
}
