import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import type {} from '@nightshift/db/testing/database';
import { type TestServer, startTestServer, sweepAbandoned } from '@nightshift/db/testing/server';

/**
 * One Postgres a run, made when a test first wants a database: a run of pure unit tests never waits for it.
 * NIGHTSHIFT_TEST_DATABASE_URL (of a superuser) names a server to use instead of the embedded binaries. And one temporary folder a run
 * for all that tests and their programs put into theirs: when a run is killed, the next one sweeps it away.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const externalUrl = process.env.NIGHTSHIFT_TEST_DATABASE_URL;
  const dir = await mkdtemp(`/tmp/nightshift-test-${process.pid}-`);
  await chmod(dir, 0o755);
  // A short name: the path of a runner's socket below it may have 107 bytes.
  const temporary = join(dir, 't');
  await mkdir(temporary);
  await chmod(temporary, 0o1777);
  process.env.TMPDIR = temporary;
  let starting: Promise<TestServer & { stop(): Promise<void> }> | undefined;
  const broker = createServer((socket) => {
    starting ??= startTestServer(dir, externalUrl, `nightshift_template_${randomBytes(4).toString('hex')}`);
    socket.on('error', () => undefined);
    starting.then(
      ({ adminUrl, template }) => socket.end(JSON.stringify({ adminUrl, template })),
      (error: unknown) => socket.end(JSON.stringify({ error: describe(error) })),
    );
  });
  const path = join(dir, 'broker');
  await listen(broker, path);
  project.provide('nightshiftPostgres', path);
  sweepAbandoned().catch(() => undefined);

  return async () => {
    broker.close();
    const server = await starting?.catch(() => undefined);
    await server?.stop();
    const left = (await readdir(temporary)).filter((name) => name.startsWith('nightshift-'));
    if (left.length > 0) console.warn(`Tests left in their temporary folder: ${left.join(', ')}`);
    await rm(dir, { recursive: true, force: true, maxRetries: 20 });
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}\n${error.cause.message}` : error.message;
}
