import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { plainText } from '@nightshift/control-plane/trajectory/wording';
import { agentStatus } from '../agent-status.js';
import { withJson, type Cli, type ClientOptions } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { aborted, onInterrupt } from '../interrupt.js';
import { createLog } from '../logger.js';
import { parseCount, parseList, parseUrl } from '../option-parsers.js';
import { textTable } from '../text-table.js';

interface AgentOptions extends ClientOptions {
  home?: string;
}

export function addAgent(program: Command, cli: Cli): void {
  const agent = program.command('agent').description('the agent that makes this machine a box');
  const homeOf = (options: AgentOptions) => resolve(options.home ?? cli.home.agent);
  const command = (name: string) =>
    withJson(agent.command(name)).option('--home <dir>', `where it keeps its jobs (default ${cli.home.agent})`);

  command('enrol')
    .description("exchange a one-time token for this box's own credential")
    .requiredOption('--server <url>', 'the control plane', parseUrl)
    .requiredOption('--token <token>', 'the token that nightshift boxes enrol printed')
    .option('--name <name>', 'what the box is called (default: its host name)')
    .option('--labels <list>', 'what it offers, for boxes.labels of a spec: gpu,spark', parseList, [])
    .action(async (options: AgentOptions & { server: string; token: string; name?: string; labels: string[] }) => {
      const { enrol } = await import('@nightshift/gpu-agent');
      const { server, token, name, labels } = options;
      const { boxId, name: given } = await enrol({ server, token, name, labels, home: homeOf(options) });
      if (options.json) cli.terminal.json({ boxId, name: given, server, home: homeOf(options) });
      else {
        const home = options.home === undefined ? '' : ` --home ${options.home}`;
        cli.terminal.out(
          `This machine is the box ${given} (${boxId}) of ${server}.\nNext: nightshift agent run${home}\n`,
        );
      }
    });

  command('run')
    .description('serve the control plane until Ctrl-C; jobs that run then go on, and the next agent takes them up')
    .option('--server <url>', 'instead of the one that the box was enrolled with', parseUrl)
    .option('--slots <n>', 'jobs at a time', parseCount, 1)
    .action((options: AgentOptions & { server?: string; slots: number }) => runAgent(cli, homeOf(options), options));

  command('doctor')
    .description('check what a box needs; exit 1 when something is missing')
    .option(
      '--server <url>',
      'check the way to this control plane as well (default: the one of the enrolment)',
      parseUrl,
    )
    .action(async (options: AgentOptions & { server?: string }) => {
      const { doctor } = await import('@nightshift/gpu-agent');
      const home = homeOf(options);
      const report = await doctor({ home, server: options.server ?? (await agentStatus(home)).server });
      if (!report.isHealthy) cli.exitCode = EXIT.checkFailed;
      if (options.json) cli.terminal.json(report);
      else
        for (const { id, status, message, fix } of report.checks)
          cli.terminal.out(
            `${status.padEnd(4)}  ${id.padEnd(8)}  ${plainText(message, 1000)}\n${fix === null ? '' : `${' '.repeat(16)}→ ${fix}\n`}`,
          );
    });

  command('status')
    .description('what this box is, whether its agent runs, and its jobs (asks nobody else)')
    .action(async (options: AgentOptions) => {
      const status = await agentStatus(homeOf(options));
      if (options.json) {
        cli.terminal.json(status);
        return;
      }
      const enrolled = status.boxId === null ? 'not enrolled' : `${status.name} (${status.boxId}) of ${status.server}`;
      cli.terminal.out(
        `box    ${enrolled}\nagent  ${status.pid === null ? 'not running' : `running, process ${status.pid}`}\nhome   ${status.home}\n`,
      );
      const rows = status.jobs.map((job) => [job.jobId, job.project, job.state, String(job.logBytes)]);
      if (rows.length > 0)
        cli.terminal.out(`\n${textTable(['job', 'project', 'state', 'log bytes>'], rows, cli.terminal.columns)}`);
    });
}

async function runAgent(
  cli: Cli,
  home: string,
  options: { server?: string; slots: number; json?: boolean },
): Promise<void> {
  const interrupt = onInterrupt();
  const parentGone = new AbortController();
  // Started by a demo over a channel, it ends when the demo is gone, however that went.
  if (process.channel) process.once('disconnect', () => parentGone.abort());
  const { startAgent } = await import('@nightshift/gpu-agent');
  const agent = await startAgent({
    home,
    server: options.server,
    slots: options.slots,
    log: createLog({ isPretty: process.stderr.isTTY === true && !options.json }),
    env: cli.processEnv,
  });
  const signal = AbortSignal.any([interrupt.signal, parentGone.signal]);
  await Promise.race([agent.done, aborted(signal)]);
  await agent.stop();
  const { connection, problem } = await agent.done;
  interrupt.release();
  if (connection === 'rejected')
    throw new AppError('forbidden', `the control plane will not have this box: ${problem ?? 'no reason given'}`, {
      hint: 'enrol it again with a new token: nightshift boxes enrol, then nightshift agent enrol',
    });
}
