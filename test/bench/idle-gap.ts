import { join } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { startModelServer } from '../model-server/index.js';
import type { House } from './house.js';
import { median, quantile } from './statistics.js';

const MODEL_LATENCY_MS = 1200;
const JOB_MS = 1500;

interface JobDetail {
  id: string;
  role: string;
  attempts: { exit: { startedAt: string; endedAt: string } | null }[];
}

// A job that trains for a fixed time and whose number depends on its knobs: what is measured is everything around it.
function writeProject(home: string): string {
  const dir = join(home, 'project');
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'train.mjs'),
    `const c = JSON.parse((await import('node:fs')).readFileSync(process.env.NIGHTSHIFT_CONFIG, 'utf8'));
setTimeout(() => console.log('loss: ' + (10 + (c.a - 7) ** 2 + (c.b - 30) ** 2 / 9).toFixed(6)), Number(process.argv[2]));
`,
  );
  return dir;
}

function specOf(dir: string, iterations: number, jobMs: number, proposer: unknown) {
  return {
    name: 'bench',
    source: { path: dir },
    metric: { name: 'loss', goal: 'minimize' },
    job: { train: `exec ${process.execPath} train.mjs ${jobMs}`, budget: '60s', grace: '1s' },
    menu: {
      knobs: { a: { type: 'int', range: [0, 100], default: 50 }, b: { type: 'int', range: [0, 100], default: 50 } },
    },
    decision: { baselineReplicates: 1, maxReplicates: 1, compare: 'incumbent' },
    stop: { iterations },
    proposer,
  };
}

/** Milliseconds from the end of each candidate's job to the start of the next one, by the box's clock. */
async function gapsOf(house: House, runId: string): Promise<number[]> {
  const { items } = await house.api<{ items: { id: string }[] }>('GET', `/jobs?run=${runId}&limit=200`);
  const jobs = await Promise.all(items.map((job) => house.api<JobDetail>('GET', `/jobs/${job.id}`)));
  const ends = jobs
    .filter((job) => job.role !== 'baseline')
    .flatMap((job) => job.attempts.flatMap((attempt) => (attempt.exit ? [attempt.exit] : [])))
    .sort((x, y) => x.startedAt.localeCompare(y.startedAt));
  return ends.slice(1).map((exit, i) => Date.parse(exit.startedAt) - Date.parse(ends[i]?.endedAt ?? ''));
}

/**
 * The box's idle gap with prefetch against the sequential loop that asks, waits and runs, in one house and with the same model.
 * The sequential loop is a client of the same API: when a job has ended it asks the model, then proposes what it answered.
 */
export async function idleGap(house: House, iterations: number) {
  const dir = writeProject(house.home);
  const model = await startModelServer({ behaviour: 'well-behaved', latencyMs: MODEL_LATENCY_MS });
  try {
    const spec = { baseUrl: model.url, name: 'bench', timeout: '30s' };
    const prefetched = await house.run(specOf(dir, iterations, JOB_MS, { kind: 'model', model: spec }));
    const sequential = await sequentialRun(house, dir, iterations, model.url);
    const none = await house.run(specOf(dir, iterations * 2, 50, { kind: 'random' }));
    const [withPrefetch, asking, bare] = [
      await gapsOf(house, prefetched.id),
      await gapsOf(house, sequential),
      await gapsOf(house, none.id),
    ];
    return {
      modelLatencyMs: MODEL_LATENCY_MS,
      prefetchMedianMs: median(withPrefetch),
      sequentialMedianMs: median(asking),
      ratio: median(withPrefetch) / median(asking),
      overhead: { medianMs: median(bare), p90Ms: quantile(bare, 0.9), n: bare.length },
      n: withPrefetch.length,
    };
  } finally {
    await model.close();
  }
}

async function sequentialRun(house: House, dir: string, iterations: number, modelUrl: string): Promise<string> {
  const run = await house.api<{ id: string }>('POST', '/runs', {
    spec: specOf(dir, iterations, JOB_MS, { kind: 'external' }),
  });
  for (let tried = 0, accepted = 0; accepted < iterations && tried < iterations * 3; tried++) {
    await fetch(`${modelUrl}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'next?' }], stream: false }),
    }).then((response) => response.text());
    const raw = JSON.stringify({
      knob: tried % 2 === 0 ? 'a' : 'b',
      new_value: (13 + tried * 7) % 100,
      reason: 'the next value',
    });
    const answer = await house.api<{ iteration: { number: number } | null }>('POST', `/runs/${run.id}/proposals`, {
      raw,
    });
    if (answer.iteration === null) continue;
    accepted += 1;
    for (let state = 'accepted'; ['proposing', 'accepted', 'measuring'].includes(state);) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      state = (await house.api<{ state: string }>('GET', `/runs/${run.id}/iterations/${answer.iteration.number}`))
        .state;
    }
  }
  return run.id;
}
