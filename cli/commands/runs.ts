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
        cli.terminal.out(
          runTable(page.items, cli.terminal.isTty ? cli.terminal.columns : Infinity) +
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

const HEADINGS = ['run', 'project', 'state', 'done>', 'kept>', 'best>', 'gain>', 'age>'];
/** On a narrower terminal ids are shown by their beginning, which every command takes, so that the rest has room. */
const ROOM_FOR_IDS = 100;
const SHORTEST_ID = 18;

/** The project gives way on a narrow terminal; the state and what an id can be told by never do. */
export function runTable(runs: Run[], columns: number): string {
  let length = SHORTEST_ID;
  while (length < 30 && new Set(runs.map(({ id }) => id.slice(0, length))).size < runs.length) length += 1;
  const rows = runs.map((run) => {
    const [id = '', ...rest] = runRow(run);
    return [columns < ROOM_FOR_IDS ? id.slice(0, length) : id, ...rest];
  });
  return textTable(HEADINGS, rows, columns, [0, 2]);
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
