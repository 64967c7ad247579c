import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { insertBox, insertToken, newSecret, type Database } from '@nightshift/db';
import { startWorld } from '../../e2e/harness.js';
import { quantile } from '../statistics.js';
import { childrenOf, cpuMeter, pssBytes } from './proc.js';

export interface ManyBoxesOptions {
  boxes: number;
  jobMs: number;
  heartbeatMs: number;
  runs: number;
  parallel: number;
  idleSeconds: number;
  loadSeconds: number;
}

/** Simulated boxes over real sockets against one control plane in a process of its own, the boxes in another. */
export async function manyBoxes(database: Database, options: ManyBoxesOptions) {
  const { db, sql } = database;
  const world = await startWorld(database.url, { boxes: [] });
  const boxes = spawn(process.execPath, [fileURLToPath(new URL('./boxes-main.js', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [{ pid: backend } = { pid: 0 }] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const postmaster = Number(/\) \S (\d+)/.exec(readStat(backend))?.[1]);
    const plane = cpuMeter(() => [world.plane.pid]);
    const postgres = cpuMeter(() => [postmaster, ...childrenOf(postmaster)]);
    const memory = { start: pssBytes(world.plane.pid), idle: 0, peak: 0 };

    const credentials = await enrol(db, options.boxes);
    const assignedAt = new Map<string, number>();
    let ended = 0;
    const lines = createInterface({ input: boxes.stdout });
    const connected = new Promise<{ ms: number }>((resolve) => {
      lines.on('line', (line) => {
        const told = JSON.parse(line) as {
          jobId?: string;
          at?: number;
          ended?: string;
          connected?: number;
          ms?: number;
        };
        if (told.jobId !== undefined) assignedAt.set(told.jobId, told.at as number);
        else if (told.ended !== undefined) ended++;
        else if (told.connected !== undefined) resolve({ ms: told.ms as number });
      });
    });
    const { url } = world.plane;
    const { jobMs, heartbeatMs } = options;
    boxes.stdin.end(`${JSON.stringify({ url, credentials, jobMs, heartbeatMs })}\n`);
    const { ms: connectMs } = await connected;

    await delay(heartbeatMs);
    plane();
    postgres();
    await delay(options.idleSeconds * 1000);
    const idle = { plane: plane(), postgres: postgres() };
    memory.idle = pssBytes(world.plane.pid);

    const runIds: string[] = [];
    for (let i = 0; i < options.runs; i++) runIds.push((await world.client.createRun(spec(i, options.parallel))).id);
    await delay(options.jobMs * 2);
    plane();
    postgres();
    const before = { ended, given: assignedAt.size };
    const since = Date.now();
    while (Date.now() - since < options.loadSeconds * 1000) {
      await delay(1000);
      memory.peak = Math.max(memory.peak, pssBytes(world.plane.pid));
    }
    const load = { plane: plane(), postgres: postgres() };
    const seconds = (Date.now() - since) / 1000;
    const rate = (ended - before.ended) / seconds;
    const until = Date.now();
    for (const id of runIds) await world.client.json('POST', `/v1/runs/${id}/stop`);

    // created_at is the start of the transaction that queued the job: the wait for its commit counts.
    const queued = await sql<{ id: string; at: number }[]>`
      select id, extract(epoch from greatest(created_at, coalesce(not_before, created_at))) * 1000 as at
      from jobs where attempt = 1`;
    const waits = queued.flatMap((job) => {
      const at = assignedAt.get(job.id);
      return at !== undefined && at >= since && at <= until ? [at - Number(job.at)] : [];
    });
    return {
      connectMs,
      memory,
      idle,
      load,
      rate,
      dispatch: { n: waits.length, p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), max: Math.max(...waits) },
      complaints: world.plane.complaints().split('\n').filter(Boolean),
    };
  } finally {
    boxes.kill();
    await world.stop();
  }
}

async function enrol(db: Database['db'], count: number): Promise<string[]> {
  const credentials: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = `bench-${i}`;
    const box = await insertBox(db, { name, labels: ['bench'], facts: null });
    if (!box) throw new Error(`${name} is taken`);
    const secret = newSecret('nsb');
    await insertToken(db, { kind: 'box', secret, name, boxId: box.id });
    credentials.push(secret);
  }
  return credentials;
}

function spec(i: number, parallel: number): object {
  return {
    name: `bench-${i}`,
    source: { path: '/nowhere' },
    metric: { name: 'loss', goal: 'minimize' },
    job: { train: 'true', budget: '60s' },
    menu: {
      knobs: {
        a: { type: 'float', range: [0, 1], default: 0.5 },
        b: { type: 'int', range: [0, 100_000], default: 1 },
      },
    },
    proposer: { kind: 'random' },
    decision: { baselineReplicates: 3, maxReplicates: 1 },
    stop: { iterations: 10_000 },
    boxes: { labels: ['bench'], parallel },
  };
}

function readStat(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1');
}
