import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

function start(...args: string[]): ChildProcess {
  child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  return child;
}

test('the command prints where it listens, answers, and ends on TERM', async () => {
  const server = start('--behaviour', 'fenced', '--port', '0');
  const [line] = (await once(server.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const { url, behaviour } = JSON.parse(line.toString()) as { url: string; behaviour: string };
  expect(behaviour).toBe('fenced');
  expect(await (await fetch(`${url}/models`)).json()).toMatchObject({ data: [{ id: 'fenced' }] });
  server.kill('SIGTERM');
  expect(await once(server, 'exit')).toEqual([0, null]);
});

test.each([[['--behaviour', 'rude']], [['--port', 'x']], [['--nonsense']]])('%j is bad usage', async (args) => {
  expect(await once(start(...args), 'exit')).toEqual([64, null]);
});
