import { InvalidArgumentError, type Command } from 'commander';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { chatExport } from '../chat-export.js';
import { dataOf } from '../client.js';
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
      let text: string;
      if (options.format === 'chat') {
        const chat = await chatExport(api, run);
        text = chat.text;
        for (const warning of chat.warnings) terminal.err(`warning: ${warning}\n`);
      } else {
        const { format } = options;
        const path = { id: run.id };
        text = await dataOf(api.GET('/v1/runs/{id}/export', { params: { path, query: { format } }, parseAs: 'text' }));
      }
      if (options.output !== undefined) {
        writeOutput(options.output, text);
        terminal.err(`Wrote ${options.output}.\n`);
      } else if (!options.json) terminal.out(text);
      if (options.json)
        terminal.json({
          run: run.id,
          format: options.format,
          ...(options.output ? { output: options.output } : { content: text }),
        });
    });
}

function parseFormat(text: string): Format {
  if (!(FORMATS as readonly string[]).includes(text))
    throw new InvalidArgumentError(`It needs one of ${FORMATS.join(', ')}.`);
  return text as Format;
}
