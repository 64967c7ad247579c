import { InvalidArgumentError, type Command } from 'commander';
import { analyze, readTrajectory, reportText } from '@nightshift/control-plane/trajectory/index';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Api, type Run } from '../client.js';
import { findRun } from '../find-run.js';
import { writeOutput } from '../input-file.js';

const FORMATS = ['text', 'markdown', 'html'] as const;
type Format = (typeof FORMATS)[number];

interface ReportOptions extends ClientOptions {
  format: Format;
  output?: string;
  pr?: boolean;
}

export function addReport(program: Command, cli: Cli): void {
  withServer(program.command('report'))
    .description('the report of a run; --json prints its figures')
    .argument('[run]', 'an id, the beginning of one, or latest', 'latest')
    .option('--format <format>', `${FORMATS.join(', ')}`, parseFormat, 'text')
    .option('--pr', 'code mode: the Markdown body of a pull request, with its evidence')
    .option('-o, --output <file>', 'write it there')
    .action(async (asked: string, options: ReportOptions) => {
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      const path = { id: run.id };
      const format = options.pr ? 'pr' : options.format;
      const text = options.json
        ? `${JSON.stringify(await dataOf(api.GET('/v1/runs/{id}/trajectory', { params: { path } })))}\n`
        : format === 'text'
          ? await runReportText(api, run, cli.terminal.columns)
          : await dataOf(api.GET('/v1/runs/{id}/report', { params: { path, query: { format } }, parseAs: 'text' }));
      if (options.output === undefined) cli.terminal.out(text);
      else {
        writeOutput(options.output, text);
        cli.terminal.err(`Wrote ${options.output}.\n`);
      }
    });
}

/** The report of a run laid out for a terminal of this width. */
export async function runReportText(api: Api, run: Run, width: number): Promise<string> {
  const text = await dataOf(
    api.GET('/v1/runs/{id}/export', { params: { path: { id: run.id }, query: { format: 'jsonl' } }, parseAs: 'text' }),
  );
  const trajectory = readTrajectory(text);
  return reportText(trajectory, analyze(trajectory), { title: `${run.project} · ${run.id}`, width });
}

function parseFormat(text: string): Format {
  if (!(FORMATS as readonly string[]).includes(text))
    throw new InvalidArgumentError(`It needs one of ${FORMATS.join(', ')}.`);
  return text as Format;
}
