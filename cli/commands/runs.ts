import type { Command } from 'commander';
import { gainText, metricText, plainText } from '@nightshift/control-plane/trajectory/wording';
import { ageText } from '../age-text.js';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Run } from '../client.js';
import { parseCount } from '../option-parsers.js';
import { textTable } from '../text-table.js';

interface RunsOptions extends ClientOptions {
  limit: number;
  project?: string;
}

export function addRuns(program: Command, cli: Cli): void {
  withServer(program.command('runs'))
    .description('list runs, newest first')
    .option('--limit <n>', 'how many', parseCount, 20)
    .option('--project <name>', 'of this project only')
    .action(async (options: RunsOptions) => {
      const query = { limit: Math.min(options.limit, 500), ...(options.project ? { project: options.project } : {}) };
      const page = await dataOf(apiOf(cli, options).GET('/v1/runs', { params: { query } }));
      if (options.json) cli.terminal.json(page);
      else if (page.items.length === 0) cli.terminal.err('No runs yet. Start one with: nightshift run\n');
      else {
        const headings = ['run', 'project', 'state', 'done>', 'kept>', 'best>', 'gain>', 'age>'];
        cli.terminal.out(
          textTable(headings, page.items.map(runRow), cli.terminal.columns) +
            page.items
              .map(({ id, waiting }) => (waiting === null ? '' : `${id} waits: ${plainText(waiting, 500)}\n`))
              .join(''),
        );
      }
    });
}

interface LivePart {
  iterations?: number;
  kept?: number;
  keeps?: { best?: { metric: number; improvement: number | null } | null };
}

function runRow(run: Run): string[] {
  const live = run.live as LivePart | null;
  const best = live?.keeps?.best;
  return [
    run.id,
    run.project,
    run.isStopping ? 'stopping' : run.state,
    String(live?.iterations ?? 0),
    String(live?.kept ?? 0),
    best ? metricText(best.metric) : '',
    best && best.improvement !== null ? gainText(best.improvement) : '',
    ageText(run.createdAt),
  ];
}
