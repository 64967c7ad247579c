import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AppError } from '@nightshift/protocol';
import { listenError } from './listen-error.js';

async function failureOf(host: string, port: number): Promise<unknown> {
  const server = createServer();
  return new Promise<unknown>((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

test('an address that is taken or of another machine has a way out', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as { port: number };
  const told = listenError(await failureOf('127.0.0.1', port), '127.0.0.1', port) as AppError;
  expect([told.code, told.hint]).toEqual(['conflict', expect.stringContaining('--port')]);
  await new Promise((resolve) => taken.close(resolve));
  expect(listenError(await failureOf('192.0.2.1', 0), '192.0.2.1', 0)).toMatchObject({ code: 'config_invalid' });
});

test('a file that may not be written is not told as a port', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-'));
  try {
    const error: unknown = await writeFile(folder, '').catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'EISDIR', syscall: 'open' });
    for (const code of ['EACCES', 'EADDRINUSE', 'ENOTFOUND']) {
      const of = Object.assign(error as Error, { code });
      expect(listenError(of, '127.0.0.1', 0)).toBe(of);
    }
    const database = Object.assign(new Error('x'), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: 'db.example',
    });
    expect(listenError(database, 'localhost', 0)).toBe(database);
    expect(listenError(Object.assign(new Error(), { code: 'EACCES', syscall: 'listen' }), 'x', 80)).toBeInstanceOf(
      AppError,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
