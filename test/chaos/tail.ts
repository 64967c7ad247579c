import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { faultsOfRun } from '../e2e/faults-of-run.js';
import { startWorld } from '../e2e/harness.js';
import { readLedger, toySpec } from '../e2e/toy.js';

const TAIL_BYTES = 65_536;
const JOBS_OF_A_RUN = 50;

export interface TailReport {
  seconds: number;
  jobs: number;
  bytes: number;
  problems: string[];
}

/**
 * Jobs that print 64 KiB of any bytes in their last millisecond and exit, four at a time, from terminal to database,
 * while `burners` processes do nothing but keep the cores busy. Every byte is compared.
 */
export async function runTail(options: { databaseUrl: string; jobs: number; burners: number }): Promise<TailReport> {
  const begun = performance.now();
  const problems: string[] = [];
  let jobs = 0;
  let bytes = 0;
  const world = await startWorld(options.databaseUrl, { boxes: [{ slots: 4 }] });
  const burners = Array.from({ length: options.burners }, () => spawn(process.execPath, ['-e', 'for (;;);']));
  try {
    const ledger = `${world.dir}/ledger`;
    const env = world.jobEnv({ TOY_LEDGER: ledger, TOY_TAIL: String(TAIL_BYTES) });
    while (jobs < options.jobs) {
      const baselineReplicates = Math.min(JOBS_OF_A_RUN, options.jobs - jobs);
      const run = await world.client.createRun(
        toySpec({ name: 'tail', iterations: 1, parallel: 4, baselineReplicates, env, proposer: { kind: 'external' } }),
      );
      await world.events.until(
        'the baseline',
        (event) => event.runId === run.id && ['run.running', 'run.failed'].includes(event.type),
        120_000,
      );
      await world.client.json('POST', `/v1/runs/${run.id}/stop`);
      await world.events.ended(run.id);
      const { faults, counts } = await faultsOfRun(world, run.id, readLedger(ledger));
      problems.push(...faults);
      if (counts.jobs !== baselineReplicates) problems.push(`${counts.jobs} jobs, not ${baselineReplicates}`);
      jobs += baselineReplicates;
      bytes += counts.logBytes;
    }
    if (bytes < jobs * TAIL_BYTES) problems.push(`${bytes} bytes of ${jobs} jobs`);
  } finally {
    for (const burner of burners) {
      const ended = once(burner, 'close');
      burner.kill('SIGKILL');
      await ended;
    }
    await world.stop();
  }
  return { seconds: Math.round((performance.now() - begun) / 100) / 10, jobs, bytes, problems };
}
