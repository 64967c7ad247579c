import { spawn } from 'node-pty';
import { fileURLToPath } from 'node:url';
import type { Database } from '@nightshift/db';
import { startWorld } from '../../e2e/harness.js';

const fixtures = fileURLToPath(new URL('../../../fixtures/jobs', import.meta.url));
const PART = 512 * 1024;

/** Bytes a second of a job that prints as fast as it can, until the last one is durable; against its two halves alone. */
export async function logThroughput(database: Database, mebibytes: number) {
  const bytes = mebibytes * 1_048_576;
  const world = await startWorld(database.url, { boxes: [{}] });
  try {
    const through = await throughNightshift(world, mebibytes);
    const pty = await throughPty(mebibytes);
    const insert = await throughInserts(database, bytes);
    return {
      bytes,
      nightshift: through.bytes / through.seconds,
      pty: pty.bytes / pty.seconds,
      insert: bytes / insert,
    };
  } finally {
    await world.stop();
  }
}

async function throughNightshift(world: Awaited<ReturnType<typeof startWorld>>, mebibytes: number) {
  const run = await world.client.createRun({
    name: 'flood',
    source: { path: fixtures },
    metric: { name: 'val_loss', goal: 'minimize' },
    job: { train: `node flood.mjs ${mebibytes}`, budget: '300s', grace: '1s', env: world.jobEnv() },
    menu: { knobs: { a: { type: 'int', range: [0, 9], default: 1 } } },
    decision: { baselineReplicates: 1 },
    proposer: { kind: 'external' },
  });
  const begun = await world.events.until(
    'training to begin',
    (event) => event.runId === run.id && event.type === 'job.training',
  );
  const ended = await world.events.until(
    'the end of the job',
    (event) => event.runId === run.id && event.type === 'job.succeeded',
    300_000,
  );
  const at = Date.now();
  const [attempt] = await world.client.attempts(ended.payload.jobId as string);
  await world.client.json('POST', `/v1/runs/${run.id}/stop`);
  return {
    bytes: attempt?.logBytes ?? 0,
    seconds: (at - Date.parse(begun.payload['at'] as string)) / 1000,
  };
}

/** The same program in the same kind of terminal, its output counted and thrown away. */
async function throughPty(mebibytes: number): Promise<{ bytes: number; seconds: number }> {
  const begun = performance.now();
  let bytes = 0;
  await new Promise<void>((resolve) => {
    const pty = spawn(
      '/bin/sh',
      ['-c', 'stty -onlcr; head -c "$0" /dev/zero | tr "\\0" x | cat', String(mebibytes * 1_048_576)],
      {
        cols: 160,
        rows: 100,
        encoding: null,
      },
    );
    pty.onData((data) => (bytes += data.length));
    pty.onExit(() => resolve());
  });
  return { bytes, seconds: (performance.now() - begun) / 1000 };
}

async function throughInserts(database: Database, bytes: number): Promise<number> {
  const { sql } = database;
  await sql`create table bench_log (attempt_id text, "offset" bigint, data bytea, primary key (attempt_id, "offset"))`;
  const data = Buffer.alloc(PART, 'x'.repeat(119) + '\n');
  const begun = performance.now();
  for (let offset = 0; offset < bytes; offset += PART)
    await sql`insert into bench_log (attempt_id, "offset", data) values ('a', ${offset}, ${data})`;
  const seconds = (performance.now() - begun) / 1000;
  await sql`drop table bench_log`;
  return seconds;
}
