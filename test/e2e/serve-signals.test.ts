import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { printed, resultOf, startCli } from './cli-process.js';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'nightshift-serve-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends a start that makes its database, and leaves no server',
  async (signal) => {
    const child = startCli(['serve', '--port', '0'], { env: { NIGHTSHIFT_HOME: home } });
    const ended = resultOf(child);
    await printed(child, 'Making a new database', 'stderr');
    child.kill(signal);
    const { code, out, err } = await ended;
    expect(code).toBe(0);
    expect(err).toContain('Stopped before it listened.');
    expect(out).toBe('');
    const files = readdirSync(home, { recursive: true }).map(String);
    expect(files.filter((name) => name.endsWith('postmaster.pid') || name.endsWith('token'))).toEqual([]);
  },
);

it('TERM ends a start that waits for a database which takes connections and says nothing', async () => {
  const sockets = new Set<Socket>();
  let asked = () => {};
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  const silent = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    asked();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  try {
    const child = startCli(['serve', '--port', '0'], {
      env: { NIGHTSHIFT_HOME: home, DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/none` },
    });
    const ended = resultOf(child);
    await isAsked;
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, err: 'Stopped before it listened.\n' });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  }
});
