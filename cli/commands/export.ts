import { InvalidArgumentError, type Command } from 'commander';
import { plainText } from '@nightshift/control-plane/trajectory/wording';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { problemOf } from '../client.js';
import { findRun } from '../find-run.js';
import { writeOutput } from '../input-file.js';

const FORMATS = ['jsonl', 'tsv', 'csv', 'chat'] as const;
type Format = (typeof FORMATS)[number];

interface ExportOptions extends ClientOptions {
  format: Format;
  output?: string;
}

export function addExport(program: Command, cli: Cli): void {
  withServer(program.command('export'))
    .description('the trajectory of a run as a file: jsonl can be read again by analyze; chat is for fine-tuning')
    .argument('[run]', 'an id, the beginning of one, or latest', 'latest')
    .option('--format <format>', FORMATS.join(', '), parseFormat, 'jsonl')
    .option('-o, --output <file>', 'write it there')
    .action(async (asked: string, options: ExportOptions) => {
      const { terminal } = cli;
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      const { format } = options;
      const { data, error, response } = await api.GET('/v1/runs/{id}/export', {
        params: { path: { id: run.id }, query: { format } },
        parseAs: 'text',
      });
      if (!response.ok) throw problemOf(response, error);
      const text = data ?? '';
      const warning = response.headers.get('x-nightshift-warning');
      if (warning !== null) terminal.err(`warning: ${plainText(warning, 1000)}\n`);
      if (options.output !== undefined) {
        writeOutput(options.output, text);
        terminal.err(`Wrote ${options.output}.\n`);
      } else if (!options.json) terminal.out(text);
      if (options.json)
        terminal.json({
          run: run.id,
          format,
          ...(options.output ? { output: options.output } : { content: text }),
        });
    });
}

function parseFormat(text: string): Format {
  if (!(FORMATS as readonly string[]).includes(text))
    throw new InvalidArgumentError(`It needs one of ${FORMATS.join(', ')}.`);
  return text as Format;
}
