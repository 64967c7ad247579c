import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '@nightshift/protocol';
import { reportText } from '@nightshift/control-plane/trajectory/index';
import { countText } from '@nightshift/control-plane/trajectory/wording';
import type { Cli } from '../cli.js';
import type { Run } from '../client.js';
import { EXIT } from '../exit-codes.js';
import { homeAt } from '../home.js';
import { aborted, onInterrupt } from '../interrupt.js';
import { limitIterations } from '../limit-iterations.js';
import { readSpecFile } from '../spec-file.js';
import { runOutcome } from '../run-outcome.js';
import { startRun } from '../start-run.js';
import { tellRun } from '../tell-run.js';
import { demoBranch, type DemoBranch } from './demo-branch.js';
import { startDemoBox } from './demo-box.js';
import { startDemoModel } from './demo-model.js';
import { startDemoServer } from './demo-server.js';
import { summarise, timeText } from './demo-summary.js';
import { endRuns } from './end-runs.js';
import { findExample } from './find-example.js';

export interface DemoOptions {
  once?: boolean;
  json?: boolean;
  mode: DemoMode;
  iterations?: number;
  port?: number;
  database?: string;
}

export const DEMO_MODES = ['menu', 'code'] as const;
export type DemoMode = (typeof DEMO_MODES)[number];
const EXAMPLES: Record<DemoMode, { name: string; iterations: number }> = {
  menu: { name: 'byte-lm', iterations: 12 },
  code: { name: 'byte-lm-edit', iterations: 10 },
};

/**
 * The whole loop on this machine: control plane, box, a run that trains, report. Everything that it starts it also stops, whichever way
 * it ends.
 */
export async function runDemo(cli: Cli, options: DemoOptions): Promise<void> {
  const { terminal } = cli;
  const say = options.json ? terminal.err : terminal.out;
  const startedAt = performance.now();
  const interrupt = onInterrupt();
  const { signal } = interrupt;
  const home = homeAt(cli.home.demo);
  const cleanups: (() => Promise<unknown>)[] = [];
  let hasEnded = false;
  try {
    const example = findExample(EXAMPLES[options.mode].name);
    const iterations = options.iterations ?? EXAMPLES[options.mode].iterations;
    const model = options.mode === 'code' ? await startDemoModel(example) : null;
    if (model) cleanups.push(() => model.close());
    const { input, spec } = readSpecFile(example, (value) => {
      limitIterations(value, iterations);
      if (model) useModel(value, model.url);
    });
    say(`Nightshift demo: ${spec.name}, ${countText(iterations, 'iteration')} on this machine\n\n`);
    const { port, database: databaseUrl } = options;
    const server = await startDemoServer(cli, home, { port, databaseUrl, signal }).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
    if (server === null) return;
    cleanups.push(() => server.stop());
    const database = databaseUrl === undefined ? `its own Postgres in ${home.postgres}` : 'the given database';
    say(`control plane  ${server.url}\ndatabase       ${database}\n`);
    if (signal.aborted) return;
    const box = await startDemoBox({
      home: join(home.path, 'box'),
      url: server.url,
      api: server.api,
      env: cli.processEnv,
      signal,
    });
    cleanups.push(() => box.stop());
    if (signal.aborted) return;
    say(`box            ${box.name}, online\n`);
    // What a demo that was killed left behind would take the box.
    await endRuns(server.api);
    cleanups.push(async () => {
      if (!(await endRuns(server.api)))
        terminal.err('a job did not end in time; its runner on this machine will end it\n');
    });
    if (model) say(`model          ${model.url}, scripted: it answers by what stands in the prompt\n`);
    const notes = join(example, 'program.md');
    const run = await startRun(server.api, input, {
      notes: existsSync(notes) ? readFileSync(notes, 'utf8') : undefined,
    });
    say(`run            ${run.id}\n\n`);
    say(
      `Measuring the baseline, ${countText(spec.decision.baselineReplicates, 'job')}; each trains for some seconds.\n`,
    );
    const ended = await Promise.race([
      tellRun(server.api, run, { say, complain: terminal.err, columns: terminal.columns, signal }),
      box.exited.then(() => agentGone(signal)),
    ]);
    if (ended === null) return;
    hasEnded = true;
    if (ended.state === 'failed') cli.exitCode = runOutcome(ended, []).exitCode;
    const { summary, trajectory } = await summarise(server.api, ended, {
      url: options.once ? null : server.url,
      wallSeconds: (performance.now() - startedAt) / 1000,
    });
    say(
      `\n${reportText(trajectory, summary.analysis, { title: `${run.project} · ${run.id}`, width: terminal.columns })}`,
    );
    const branch = options.mode === 'code' ? await demoBranch(server.api, ended) : null;
    if (options.mode === 'code') say(branchText(branch));
    say(`\n${timeText(summary)}\n`);
    if (options.json) terminal.json({ ...summary, ...(branch === null ? {} : { branch }) });
    if (branch && !branch.isSameElsewhere) cli.exitCode = EXIT.checkFailed;
    if (options.once) return;
    say(
      `\nStill up. In another terminal: NIGHTSHIFT_HOME=${home.path} npx nightshift runs --server ${server.url}\nCtrl-C stops everything.\n`,
    );
    await Promise.race([aborted(signal), box.exited]);
  } finally {
    if (signal.aborted) terminal.err('\nStopping…\n');
    if (signal.aborted && !hasEnded) cli.exitCode = EXIT.cancelled;
    for (const cleanup of cleanups.reverse()) await cleanup();
    interrupt.release();
  }
}

function useModel(input: Record<string, unknown>, baseUrl: string): void {
  const proposer = (input.proposer ?? {}) as { model?: object };
  input.proposer = { ...proposer, model: { name: 'scripted', ...proposer.model, baseUrl } };
}

function branchText(branch: DemoBranch | null): string {
  if (branch === null) return '\nThere is no git here: the branch of the kept patches is not shown.\n';
  const same = branch.isSameElsewhere
    ? 'A second repository, built from a second export, has the same commit ids.'
    : 'A second repository has OTHER commit ids: that is a defect.';
  return `\n$ git log --oneline ${branch.branch}\n${branch.log}\n${same}\n`;
}

// Races with the telling of the run: when the demo itself is ending, the agent's end is no news.
async function agentGone(signal: AbortSignal): Promise<Run | null> {
  await delay(0);
  if (signal.aborted) return null;
  throw new AppError('internal', 'the agent of the demo has ended', {
    hint: 'its log is agent.log in the folder of the box',
  });
}
