import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate, openDatabase } from '@nightshift/db';
import { footprint } from './footprint.js';
import { logThroughput } from './log-throughput.js';
import { manyBoxes } from './many-boxes.js';

// What custody costs. Figures of one run on one machine, side by side: the ratios are the result. `--only log|agent|boxes` for one part.
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : null;
const number = (name: string, otherwise: number) =>
  process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : otherwise;
const mega = (bytes: number) => (bytes / 1e6).toFixed(1);
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
const print = (text: string) => process.stdout.write(`${text}\n`);

async function withDatabase<T>(work: (database: Awaited<ReturnType<typeof openDatabase>>) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'nightshift-bench-'));
  const database = await openDatabase({ dataDir: join(dir, 'postgres') });
  try {
    await migrate(database);
    return await work(database);
  } finally {
    await database.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
const load = () => loadavg().map((value) => value.toFixed(1))[0];

print(`${cpus().length} cores, node ${process.version}, load of the machine before: ${load()}\n`);
if (only === null || only === 'log') {
  const log = await withDatabase((database) => logThroughput(database, number('--mebibytes', 128)));
  print(`log, ${mega(log.bytes)} MB from a job's terminal until durable in the database (load ${load()})
  nightshift            ${mega(log.nightshift)} MB/s
  cat through a pty     ${mega(log.pty)} MB/s   nightshift is ${percent(log.nightshift / log.pty)} of it
  512 KiB inserts alone ${mega(log.insert)} MB/s   nightshift is ${percent(log.nightshift / log.insert)} of it\n`);
}
if (only === null || only === 'agent') {
  const foot = await withDatabase((database) => footprint(database, number('--seconds', 60)));
  const [cpu, pss] = [foot.agent.cpu + foot.runner.cpu, foot.agent.pssBytes + foot.runner.pssBytes];
  print(`a job that prints ten lines a second (load ${load()})
  agent   ${percent(foot.agent.cpu)} of a core, ${mega(foot.agent.pssBytes)} MB
  runner  ${percent(foot.runner.cpu)} of a core, ${mega(foot.runner.pssBytes)} MB
  both    ${percent(cpu)} of a core (goal: below 1%), ${mega(pss)} MB (goal: below 120)\n`);
}
if (only === null || only === 'boxes') {
  const boxes = number('--boxes', 1000);
  const many = await withDatabase((database) =>
    manyBoxes(database, {
      boxes,
      jobMs: number('--job-ms', 20_000),
      heartbeatMs: 10_000,
      runs: number('--runs', 40),
      parallel: number('--parallel', 10),
      idleSeconds: number('--idle', 30),
      loadSeconds: number('--load', 60),
    }),
  );
  const { idle, load: busy, memory, dispatch } = many;
  print(`${boxes} connected boxes, heartbeat and telemetry every 10 s (load ${load()})
  connected in          ${(many.connectMs / 1000).toFixed(1)} s
  control plane, memory ${mega(memory.start)} MB before, ${mega(memory.idle)} MB connected, ${mega(memory.peak)} MB at most under load
  idle                  control plane ${percent(idle.plane)} of a core, Postgres ${percent(idle.postgres)}
  at ${many.rate.toFixed(1)} jobs/s         control plane ${percent(busy.plane)} of a core, Postgres ${percent(busy.postgres)}
  queued to assigned    p50 ${dispatch.p50.toFixed(0)} ms, p99 ${dispatch.p99.toFixed(0)} ms, at most ${dispatch.max.toFixed(0)} ms (${dispatch.n} jobs)
  complaints            ${many.complaints.length === 0 ? 'none' : `${many.complaints.length}, the first: ${many.complaints[0]}`}\n`);
}
