import type { Command } from 'commander';
import { AppError } from '@nightshift/protocol';
import { apiOf, withServer, type Cli, type ClientOptions } from '../cli.js';
import { dataOf, type Api, type Job } from '../client.js';
import { findRun } from '../find-run.js';
import { onInterrupt } from '../interrupt.js';
import { readJobLog } from '../job-log.js';
import { newestJobOf } from '../newest-job.js';
import { parseIteration } from '../option-parsers.js';
import { runEvents } from '../run-events.js';

interface LogsOptions extends ClientOptions {
  follow?: boolean;
}

export function addLogs(program: Command, cli: Cli): void {
  withServer(program.command('logs'))
    .description('the terminal output of a job, or of the newest job of a run or of one of its iterations')
    .argument('[job|run]', 'a job, a run, the beginning of a run, or latest', 'latest')
    .argument('[iteration]', 'the number of an iteration of the run; 0 is the baseline', parseIteration)
    .option('-f, --follow', 'go on as it grows; of a run, job after job until the run ends')
    .action(async (asked: string, iteration: number | undefined, options: LogsOptions) => {
      const api = apiOf(cli, options);
      const interrupt = onInterrupt();
      try {
        const { signal } = interrupt;
        if (asked.startsWith('job_')) {
          if (iteration !== undefined)
            throw new AppError('bad_request', `${asked} is one job; the number of an iteration goes with a run`, {
              hint: `leave one of them out: nightshift logs ${asked}, or nightshift logs RUN ${iteration}`,
            });
          const job = await dataOf(api.GET('/v1/jobs/{id}', { params: { path: { id: asked } } }));
          await print(cli, api, job, options, signal);
          return;
        }
        const run = await findRun(api, asked);
        if (iteration !== undefined) await print(cli, api, await newestJobOf(api, run.id, iteration), options, signal);
        else if (options.follow && run.endedAt === null) await followJobs(cli, api, run.id, options, signal);
        else await print(cli, api, await newestJob(api, run.id), options, signal);
      } finally {
        interrupt.release();
      }
    });
}

async function print(
  cli: Cli,
  api: Api,
  job: Pick<Job, 'id'>,
  options: LogsOptions,
  signal: AbortSignal,
): Promise<void> {
  const decoder = new TextDecoder();
  let hasPrinted = false;
  for await (const { offset, bytes } of readJobLog(api, job.id, { follow: options.follow === true, signal })) {
    hasPrinted ||= bytes.length > 0;
    if (options.json) cli.terminal.json({ jobId: job.id, offset, text: decoder.decode(bytes, { stream: true }) });
    else process.stdout.write(bytes);
  }
  if (!hasPrinted) cli.terminal.err(`${job.id} has printed nothing.\n`);
}

/** The newest job that has begun; one that only waits has printed nothing. */
async function newestJob(api: Api, run: string): Promise<Job> {
  const { items } = await dataOf(api.GET('/v1/jobs', { params: { query: { run, limit: 50 } } }));
  const job = items.find(({ startedAt }) => startedAt !== null) ?? items[0];
  if (job) return job;
  throw new AppError('not_found', `run ${run} has no jobs yet`, {
    hint: `wait for one with: nightshift logs -f ${run}`,
  });
}

async function followJobs(cli: Cli, api: Api, run: string, options: LogsOptions, signal: AbortSignal): Promise<void> {
  const { items } = await dataOf(api.GET('/v1/jobs', { params: { query: { run, limit: 500 } } }));
  const old = new Set(items.filter(({ endedAt }) => endedAt !== null).map(({ id }) => id));
  for await (const { type, payload } of runEvents(api, run, { signal })) {
    if (type === 'run.completed' || type === 'run.stopped' || type === 'run.failed') return;
    const id = String(payload.jobId);
    if (type !== 'job.running' || old.has(id)) continue;
    old.add(id);
    cli.terminal.err(`— ${id} (${String(payload.role)})\n`);
    await print(cli, api, { id }, options, signal);
  }
}
