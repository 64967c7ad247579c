import { InvalidArgumentError, type Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { plainText } from '@nightshift/control-plane/trajectory/wording';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { problemOf, type Api, type Run } from '../client.js';
import { fetchBranch } from '../fetch-branch.js';
import { findRun } from '../find-run.js';
import { importBranch, type ImportedBranch } from '../git/import-branch.js';
import { makeBundle } from '../git/make-bundle.js';
import { openRepository } from '../git/open-repository.js';
import { withBase } from '../git/scratch.js';
import { writeOutput } from '../input-file.js';

const TEXT_FORMATS = ['jsonl', 'tsv', 'csv', 'chat', 'patch'] as const;
const FORMATS = [...TEXT_FORMATS, 'branch', 'bundle'] as const;
type Format = (typeof FORMATS)[number];

interface ExportOptions extends ClientOptions {
  format: Format;
  output?: string;
  repo?: string;
  squash?: boolean;
}

export function addExport(program: Command, cli: Cli): void {
  withServer(program.command('export'))
    .description(
      'a run as a file, or its kept patches as commits: jsonl can be read again by analyze; chat is for fine-tuning',
    )
    .argument('[run]', 'an id, the beginning of one, or latest', 'latest')
    .option('--format <format>', FORMATS.join(', '), parseFormat, 'jsonl')
    .option('-o, --output <file>', 'write it there')
    .option(
      '--repo <dir>',
      'branch, tsv: the repository that gets the branch (default for branch: the one here; one that is not there is made)',
    )
    .option('--squash', 'branch, bundle: all that was kept as one commit')
    .addHelpText(
      'after',
      `
Code mode:
  branch   the branch nightshift/RUN in a repository; with -o, the stream for git fast-import instead
  bundle   the same branch as a git bundle: git fetch FILE 'refs/heads/*:refs/heads/*'
  patch    one mail for each kept patch: git am FILE
The commit ids are the same wherever and however often it is done.`,
    )
    .action(async (asked: string, options: ExportOptions) => {
      const api = apiOf(cli, options);
      const run = await findRun(api, asked);
      if (options.format === 'bundle') await exportBundle(cli, api, run, options);
      else if (options.format === 'branch' && options.output === undefined) await exportBranch(cli, api, run, options);
      else await exportText(cli, api, run, options.format, options);
    });
}

async function exportBranch(cli: Cli, api: Api, run: Run, options: ExportOptions): Promise<void> {
  const fetched = await fetchBranch(api, run, { squash: options.squash === true });
  const repository = await openRepository(options.repo, fetched);
  const imported = await importBranch(repository, fetched);
  if (options.json) {
    cli.terminal.json({ run: run.id, format: 'branch', repository, baseCommit: fetched.baseCommit, ...imported });
    return;
  }
  printLog(cli, imported);
  const where = options.repo === undefined ? '' : ` -C ${options.repo}`;
  cli.terminal.err(`${imported.branch} is in ${repository}.\n  → git${where} log ${imported.branch}\n`);
}

async function exportBundle(cli: Cli, api: Api, run: Run, options: ExportOptions): Promise<void> {
  const fetched = await fetchBranch(api, run, { squash: options.squash === true });
  const file = options.output ?? `${run.id}.bundle`;
  const imported = await makeBundle(file, fetched);
  if (options.json) {
    cli.terminal.json({ run: run.id, format: 'bundle', output: file, baseCommit: fetched.baseCommit, ...imported });
    return;
  }
  printLog(cli, imported);
  cli.terminal.err(`Wrote ${file}.\n  → git fetch ${file} ${imported.branch}:${imported.branch}\n`);
}

/** As `git log --oneline` shows it, newest first. */
function printLog(cli: Cli, { commits }: ImportedBranch): void {
  for (const { id, subject } of commits.toReversed()) cli.terminal.out(`${id.slice(0, 10)} ${plainText(subject)}\n`);
  if (commits.length === 0) cli.terminal.err('Nothing was kept: the branch is where the run started.\n');
}

async function exportText(
  cli: Cli,
  api: Api,
  run: Run,
  format: Exclude<Format, 'bundle'>,
  options: ExportOptions,
): Promise<void> {
  const { terminal } = cli;
  if (options.squash && format !== 'branch')
    throw new AppError('bad_request', `--squash goes with --format branch or bundle, not ${format}`);
  const { data, error, response } = await api.GET('/v1/runs/{id}/export', {
    params: { path: { id: run.id }, query: { format, ...(options.squash ? { squash: 'true' as const } : {}) } },
    parseAs: 'text',
  });
  if (!response.ok) throw problemOf(response, error);
  let text = data ?? '';
  if (format === 'tsv' && (run.spec.edit || options.repo !== undefined))
    text = await withCommits(cli, api, run, text, options.repo);
  // Of a table the ids have been worked out here, or it has been said why not.
  const warning = format === 'tsv' ? null : response.headers.get('x-nightshift-warning');
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
}

/**
 * Where commits stand on one of a repository, only that repository knows their ids: they take the place of padded numbers. Without
 * `repo` they are worked out, and no repository is changed.
 */
async function withCommits(cli: Cli, api: Api, run: Run, tsv: string, repo: string | undefined): Promise<string> {
  const fetched = await fetchBranch(api, run, { squash: false });
  try {
    const { commits } =
      repo === undefined
        ? await withBase(fetched, (folder) => importBranch(folder, fetched))
        : await importBranch(await openRepository(repo, fetched), fetched);
    const ids = new Map(commits.map(({ iteration, id }) => [String(iteration ?? 0).padStart(7, '0'), id.slice(0, 7)]));
    if (repo === undefined && commits.length > 0)
      cli.terminal.err(`The commits are made by: nightshift export ${run.id} --format branch\n`);
    return tsv
      .split('\n')
      .map((line) => line.replace(/^\d{7}(?=\t)/, (number) => ids.get(number) ?? number))
      .join('\n');
  } catch (error) {
    if (repo !== undefined || !(error instanceof AppError)) throw error;
    cli.terminal.err(
      `warning: the rows have the numbers of iterations, not commit ids: ${plainText(error.message, 500)}\n  → name a repository of the project with --repo\n`,
    );
    return tsv;
  }
}

function parseFormat(text: string): Format {
  if (!(FORMATS as readonly string[]).includes(text))
    throw new InvalidArgumentError(`It needs one of ${FORMATS.join(', ')}.`);
  return text as Format;
}
