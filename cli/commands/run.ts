import type { Command } from 'commander';
import { AppError, formatDuration, type Spec } from '@nightshift/protocol';
import { countText, plainText } from '@nightshift/control-plane/trajectory/wording';
import { continueSession } from '../continue-session.js';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Api, type Run } from '../client.js';
import { readInput } from '../input-file.js';
import { limitIterations } from '../limit-iterations.js';
import { listAll } from '../list-all.js';
import { parseCount, parseFraction } from '../option-parsers.js';
import { readSpecFile, SPEC_FILE } from '../spec-file.js';
import { startRun } from '../start-run.js';
import { unsealedText } from '../unsealed-text.js';
import { uploadTree } from '../upload/upload-tree.js';
import { waitForRun } from '../wait-for-run.js';

interface RunOptions extends ClientOptions {
  wait?: boolean;
  notes?: string;
  iterations?: number;
  upload?: boolean;
  continue?: string;
  repo?: string;
  maxRegression?: number;
}

export function addRun(program: Command, cli: Cli): void {
  withServer(program.command('run'))
    .description('start a run of a spec')
    .argument('[file]', 'the spec, or its folder', SPEC_FILE)
    .option(
      '--wait',
      'follow the run to its end; the exit code says what it came to (Ctrl-C detaches, the run goes on)',
    )
    .option(
      '--upload',
      'send the working tree of source.path: what git tracks or would track, for a box that does not have it',
    )
    .option(
      '--continue <results.tsv>',
      'code mode: go on from a session made with other tools; its last keep is the baseline, its rows are memory',
    )
    .option(
      '--repo <dir>',
      'with --continue: the repository that has its commits (default: the source; for a git source the one here, then the source)',
    )
    .option('--notes <program.md>', 'strategy notes for the proposer')
    .option('--iterations <n>', 'instead of stop.iterations of the spec', parseCount)
    .option(
      '--max-regression <fraction>',
      'with --wait: exit 12 when even the best candidate is worse by more',
      parseFraction,
    )
    .addHelpText(
      'after',
      `
Exit codes with --wait:
  0 improved               20 every proposal blocked    64 bad usage or spec
  10 no improvement        30 no baseline, or           69 control plane unreachable
                              infrastructure failure
  11 inconclusive          31 box lost                  77 not allowed
  12 regression            40 budget spent undecided    130 cancelled, or detached`,
    )
    .action(async (file: string, options: RunOptions) => {
      const notes = options.notes === undefined ? undefined : readInput(options.notes);
      const { input, spec } = readSpecFile(file, (value) => limitIterations(value, options.iterations));
      if (options.repo !== undefined && options.continue === undefined)
        throw new AppError('bad_request', '--repo goes with --continue');
      const continued =
        options.continue === undefined ? null : await continueSession(options.continue, spec, options.repo);
      // Whatever a branch moves to in the meantime, the baseline is the commit that was kept.
      if (continued?.head && spec.source.kind === 'git') input.source = { git: spec.source.url, ref: continued.head };
      const api = apiOf(cli, options);
      if (options.upload) input.source = await uploadSource(cli, api, spec);
      const run = await startRun(api, input, { notes, earlier: continued?.earlier });
      if (!options.json || options.wait)
        cli.terminal.err(startText(run, spec) + (continued?.said ?? '') + unsealedText(run));
      for (const warning of run.warnings) cli.terminal.err(`warning: ${plainText(warning, 500)}\n`);
      await warnOfBoxes(api, cli, spec);
      if (options.wait) cli.exitCode = await waitForRun(cli, api, run, options);
      else if (options.json) cli.terminal.json(run);
      else cli.terminal.out(`${run.id}\n`);
    });
}

async function uploadSource(cli: Cli, api: Api, spec: Spec): Promise<Record<string, unknown>> {
  if (spec.source.kind !== 'path')
    throw new AppError('bad_request', '--upload sends a folder; the source of this spec is none');
  // The packing lists files as a box does, and the room of the box is loaded for nobody else.
  const { packTree } = await import('../upload/pack-tree.js');
  const tree = await packTree(spec.source.path);
  const sent = await uploadTree(api, tree);
  const what = sent === 0 ? 'is there already' : `${Math.ceil(sent / 1024)} KiB sent`;
  cli.terminal.err(`Uploaded ${countText(tree.files, 'file')} as ${tree.id.slice(0, 12)}; ${what}.\n`);
  return {
    archive: tree.id,
    size: tree.bytes.length,
    ...(tree.commit === null ? {} : { commit: tree.commit }),
    ...(tree.prefix === '' ? {} : { prefix: tree.prefix }),
  };
}

function startText({ id }: Run, spec: Spec): string {
  const { metric, stop, proposer } = spec;
  const length = [
    stop.iterations === null ? null : countText(stop.iterations, 'iteration'),
    stop.wallMs === null ? null : `at most ${formatDuration(stop.wallMs)}`,
  ].filter(Boolean);
  const better = metric.goal === 'minimize' ? 'lower is better' : 'higher is better';
  return (
    `Started ${spec.name}: ${length.join(', ')}; ${metric.name}, ${better}; proposer ${proposer.kind}.\n` +
    `  follow it  nightshift watch ${id}\n  end it     nightshift stop ${id}\n`
  );
}

// A run without a box waits for ever: the commonest surprise on a first day.
async function warnOfBoxes(api: Api, cli: Cli, spec: Spec): Promise<void> {
  const boxes = await listAll((query) => dataOf(api.GET('/v1/boxes', { params: { query } })));
  const fit = boxes.filter(({ labels }) => spec.boxes.labels.every((label) => labels.includes(label)));
  const wanted = spec.boxes.labels.length > 0 ? ` with the labels ${spec.boxes.labels.join(', ')}` : '';
  if (fit.length === 0)
    cli.terminal.err(
      `warning: there is no box${wanted}; the run waits for one.\n  → make a token for one with: nightshift boxes enrol\n`,
    );
  else if (!fit.some(({ state, isCordoned, isDraining }) => state === 'online' && !isCordoned && !isDraining))
    cli.terminal.err(`warning: no box${wanted} takes work now; the run waits for one.\n  → see: nightshift boxes\n`);
}
