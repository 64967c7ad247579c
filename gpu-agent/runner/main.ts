import { createInterface } from 'node:readline';
import { runJob } from './run-job.js';
import type { RunnerTask } from './options.js';
import { StopSignal } from './stop-signal.js';

// A runner waits for a job's directory on its standard input, runs the job, and waits for the next. The end of the input
// means that the agent is gone: an idle runner ends then, a busy one finishes its job first. A job is never the agent's child.
const shutdown = new StopSignal();
process.on('SIGHUP', () => {});
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {
  if (!isBusy) process.exit(0);
  shutdown.request({ kind: 'box_lost', detail: 'the runner was told to end (TERM): the box is going down' });
});
process.on('unhandledRejection', report);
process.on('uncaughtException', report);

let isBusy = false;
let isInputOver = false;
const queue: string[] = [];

createInterface({ input: process.stdin })
  .on('line', (line) => {
    queue.push(line);
    void next();
  })
  .on('close', () => {
    isInputOver = true;
    void next();
  });

async function next(): Promise<void> {
  if (isBusy) return;
  const line = queue.shift();
  if (line === undefined) {
    if (isInputOver) process.exit(0);
    return;
  }
  isBusy = true;
  try {
    await runJob(JSON.parse(line) as RunnerTask, shutdown);
  } catch (error) {
    report(error);
  }
  isBusy = false;
  if (shutdown.cause) process.exit(0);
  void next();
}

function report(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}
