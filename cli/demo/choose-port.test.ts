import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { choosePort } from './choose-port.js';

it('keeps a port that is free and leaves one that is taken', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await choosePort('127.0.0.1', port)).toBe(0);
  await new Promise((resolve) => server.close(resolve));
  expect(await choosePort('127.0.0.1', port)).toBe(port);
});
