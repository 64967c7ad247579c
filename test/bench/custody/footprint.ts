import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Database } from '@nightshift/db';
import { startWorld } from '../../e2e/harness.js';
import { cpuMeter, pssBytes } from './proc.js';

const fixtures = fileURLToPath(new URL('../../../fixtures/jobs', import.meta.url));
/** Starting up costs once, and is not what a night is made of. */
const SETTLE_MS = 10_000;

/** What agent and runner take of the box while a job prints ten lines a second, one of them a metric. */
export async function footprint(database: Database, seconds: number) {
  const world = await startWorld(database.url, { boxes: [{}] });
  try {
    const run = await world.client.createRun({
      name: 'trains',
      source: { path: fixtures },
      metric: { name: 'val_loss', goal: 'minimize' },
      job: { train: 'node ten-lines.mjs', budget: '600s', grace: '1s', env: world.jobEnv() },
      menu: { knobs: { a: { type: 'int', range: [0, 9], default: 1 } } },
      decision: { baselineReplicates: 1 },
      proposer: { kind: 'external' },
    });
    await world.events.until('the job to run', (event) => event.runId === run.id && event.type === 'job.training');
    await delay(SETTLE_MS);
    const agent = world.box.pid;
    const [attempt = ''] = readdirSync(join(world.box.home, 'jobs'));
    const claim = readFileSync(join(world.box.home, 'jobs', attempt, 'runner.json'), 'utf8');
    const runner = (JSON.parse(claim) as { pid: number }).pid;
    const [ofAgent, ofRunner] = [cpuMeter(() => [agent]), cpuMeter(() => [runner])];
    await delay(seconds * 1000);
    const result = {
      agent: { cpu: ofAgent(), pssBytes: pssBytes(agent) },
      runner: { cpu: ofRunner(), pssBytes: pssBytes(runner) },
    };
    await world.client.json('POST', `/v1/runs/${run.id}/stop`);
    await world.events.ended(run.id);
    return result;
  } finally {
    await world.stop();
  }
}
