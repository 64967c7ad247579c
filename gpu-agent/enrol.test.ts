import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { doctor } from './doctor.js';
import { enrol } from './enrol.js';
import { FakeControlPlane } from './connection/testing/fake-control-plane.js';
import { temporaryFolder } from './testing/temporary-folder.js';

let plane: FakeControlPlane;
let home: string;
beforeEach(async () => {
  plane = await FakeControlPlane.start();
  home = join(temporaryFolder('enrol'), 'home');
});
afterEach(() => plane.stop());

test('a one-time token becomes a credential that only its owner can read', async () => {
  let asked: unknown;
  plane.onHttp = (request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked = { path: request.url, ...(JSON.parse(Buffer.concat(chunks).toString()) as object) };
      answer(201, { boxId: 'box-9', name: 'spark', credential: 'nsb_x' });
    });
  };
  const got = await enrol({ server: `${plane.url}/`, token: 'nse_1', name: 'spark', home, labels: ['gpu'] });
  expect(asked).toMatchObject({ path: '/v1/enrolments/exchange', token: 'nse_1', name: 'spark', labels: ['gpu'] });
  expect((asked as { facts: { cpus: number } }).facts.cpus).toBeGreaterThan(0);
  expect(got).toMatchObject({ boxId: 'box-9', credential: 'nsb_x' });
  expect(statSync(join(home, 'agent.json')).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(join(home, 'agent.json'), 'utf8'))).toEqual(got);
});

test('a refusal carries the code and the hint of the control plane', async () => {
  plane.onHttp = (_request, answer) => {
    answer(401, { code: 'unauthenticated', detail: 'the token is used', hint: 'make another' });
  };
  await expect(enrol({ server: plane.url, token: 'x', home, labels: [] })).rejects.toMatchObject({
    code: 'unauthenticated',
    message: 'the token is used',
    hint: 'make another',
  });
  await expect(enrol({ server: 'http://127.0.0.1:1', token: 'x', home, labels: [] })).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('the doctor looks at everything and prints a command for what is wrong', async () => {
  const report = await doctor({ home, server: plane.url });
  const byId = Object.fromEntries(report.checks.map((check) => [check.id, check]));
  expect(Object.keys(byId)).toEqual(
    expect.arrayContaining(['node', 'terminal', 'home', 'disk', 'memory', 'git', 'gpu', 'policy', 'network', 'clock']),
  );
  expect(byId['terminal']).toMatchObject({ status: 'ok' });
  expect(byId['home']).toMatchObject({
    status: 'warn',
    fix: expect.stringContaining('nightshift agent enrol') as string,
  });
  expect(byId['clock']).toMatchObject({ status: 'ok' });
  const cut = await doctor({ home, server: 'http://127.0.0.1:1' });
  expect(cut.isHealthy).toBe(false);
  expect(cut.checks.find((check) => check.id === 'network')).toMatchObject({ status: 'fail' });
});
