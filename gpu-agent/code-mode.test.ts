import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Agent } from './agent.js';
import { FakeControlPlane } from './connection/testing/fake-control-plane.js';
import { Attempt } from './spool/attempt.js';
import { proofKey, readSignedExit, signExit } from './spool/exit-proof.js';
import { enrolledHome, startBox } from './testing/box.js';
import { jobSpec } from './testing/job-spec.js';
import { runOne } from './testing/run-one.js';
import { temporaryFolder } from './testing/temporary-folder.js';

let plane: FakeControlPlane;
const agents: Agent[] = [];
beforeEach(async () => {
  plane = await FakeControlPlane.start();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop();
  await plane.stop();
});

async function box(over: Parameters<typeof startBox>[1] = {}) {
  const agent = await startBox(plane, over);
  agents.push(agent);
  await plane.online();
  return agent;
}
/** Trains until the file that GATE names is there, where it names one. */
const TRAIN = `import { existsSync } from 'node:fs';
console.log('val_loss: 1');
const { GATE } = process.env;
const timer = setInterval(() => (GATE === undefined || existsSync(GATE)) && clearInterval(timer), 20);
`;
function codeSpec(over: Partial<JobSpec> = {}): JobSpec {
  const source = temporaryFolder('project');
  writeFileSync(join(source, 'train.mjs'), TRAIN);
  return jobSpec({
    source: { kind: 'path', path: source },
    train: 'node train.mjs',
    edit: { files: ['train.mjs'], sealed: [], artifacts: null },
    ...over,
  });
}

test('the source is told once it is accepted, before the first phase, and again after a reconnect', async () => {
  // A sandbox would hide the gate.
  await box({ hasSandbox: false });
  const gate = join(temporaryFolder('gate'), 'open');
  const held = plane.assign(codeSpec({ setup: 'true', env: { GATE: gate } }));
  await plane.until(() => held.phases.includes('train'), 'training');
  expect(held.sources).toMatchObject([{ afterPhases: 0, frame: { files: [{ path: 'train.mjs' }], sealed: [] } }]);
  expect(plane.frames.findIndex((frame) => frame.type === 'accepted')).toBeLessThan(
    plane.frames.findIndex((frame) => frame.type === 'source'),
  );
  plane.socket?.terminate();
  await plane.until(() => held.sources.length === 2, 'the source to be told again');
  writeFileSync(gate, '');
  await plane.exitOf(held.spec.attemptId);
  expect(held.sources).toHaveLength(2);
  expect(held.sources[1]?.frame).toEqual(held.sources[0]?.frame);
  expect(plane.faults).toEqual([]);
});

test('a job of edited code, and one without edit, tell no source', async () => {
  await box({ slots: 2 });
  const edited = codeSpec({ overlay: [{ path: 'train.mjs', content: `console.log('val_loss: 2');` }] });
  const held = plane.assign(edited);
  const plain = plane.assign(codeSpec({ edit: null }));
  expect((await plane.exitOf(edited.attemptId)).metric).toBe(2);
  await plane.exitOf(plain.spec.attemptId);
  expect([...held.sources, ...plain.sources]).toEqual([]);
});

test("an owner's policy that requires a sandbox refuses edited code where there is none, and says what helps", async () => {
  const home = enrolledHome(plane);
  writeFileSync(join(home, 'policy.json'), JSON.stringify({ sandbox: { require: true } }));
  await box({ home, hasSandbox: false });
  plane.assign(codeSpec());
  await plane.until(() => plane.frames.some((frame) => frame.type === 'refused'), 'a refusal');
  expect(plane.frames.find((frame) => frame.type === 'refused')).toMatchObject({
    reason: 'agent_refused',
    detail: expect.stringContaining('requires a sandbox for edited code') as string,
  });
  const menu = plane.assign(jobSpec({ source: codeSpec().source, train: 'echo val_loss: 1' }));
  expect((await plane.exitOf(menu.spec.attemptId)).reason).toBe('completed');
});

test('an account of the end that its runner did not sign is none, also to the next agent', async () => {
  const spec = jobSpec({ train: 'echo val_loss: 1' });
  const { dir, exit } = await runOne(spec);
  const home = join(dir.path, '..', '..');
  expect(Attempt.open(home, spec.attemptId)?.exit).toEqual(exit);
  const real = readFileSync(dir.exit, 'utf8');
  for (const forged of [
    real.replace('"metric":1', '"metric":0'),
    JSON.stringify(exit),
    signExit({ ...exit, metric: 0 }, proofKey(home, { attemptId: spec.attemptId, token: 'another' })),
    '{}',
    '',
  ]) {
    writeFileSync(dir.exit, forged);
    expect(Attempt.open(home, spec.attemptId)?.exit).toBeNull();
  }
  writeFileSync(dir.exit, real);
  expect(readSignedExit(dir.exit, proofKey(home, spec))).toEqual(exit);
});

test('the key of an account is in no environment of a job and in none of its files', async () => {
  const spec = codeSpec({
    train: 'env; cat "$(dirname "$NIGHTSHIFT_METRICS")"/*.json; cat /proc/$PPID/cmdline; echo; echo val_loss: 1',
  });
  const { dir, log } = await runOne(spec);
  const home = join(dir.path, '..', '..');
  expect(log.toString()).toContain('val_loss: 1');
  for (const secret of [proofKey(home, spec), readFileSync(join(home, 'proof.key'), 'utf8')])
    expect(log.toString()).not.toContain(secret);
});
