import { expect, test } from 'vitest';
import { startBox } from '../testing/box.js';
import { jobSpec } from '../testing/job-spec.js';
import { refuseUnreadable } from './refuse-unreadable.js';
import { FakeControlPlane } from './testing/fake-control-plane.js';

test('only an assign that tells its attempt and token is answered', () => {
  const about = { attemptId: 'a', token: 't' };
  const refuse = (frame: unknown) => refuseUnreadable(JSON.stringify(frame), 'job.train: missing');
  expect(refuse({ type: 'assign', job: about })).toEqual({
    type: 'refused',
    ...about,
    reason: 'internal_error',
    detail: expect.stringContaining('job.train: missing') as string,
  });
  for (const frame of [
    null,
    [],
    'assign',
    { type: 'assign' },
    { type: 'assign', job: null },
    { type: 'assign', job: 7 },
    { type: 'assign', job: { attemptId: 'a' } },
    { type: 'assign', job: { attemptId: 'a', token: 7 } },
    { type: 'assign', job: { attemptId: 'a'.repeat(65), token: 't' } },
    { type: 'cancel', ...about },
  ])
    expect(refuse(frame)).toBeNull();
  expect(refuseUnreadable('{', 'no JSON')).toBeNull();
});

test('a job that a box cannot read is refused with what is wrong, and the next one runs', async () => {
  const plane = await FakeControlPlane.start();
  const agent = await startBox(plane);
  await plane.online();
  const { attemptId, token } = plane.assign({ ...jobSpec(), budgetMs: -1 }).spec;
  await plane.until(() => plane.frames.some((frame) => frame.type === 'refused'), 'the refusal');
  expect(plane.frames.find((frame) => frame.type === 'refused')).toMatchObject({
    attemptId,
    token,
    reason: 'internal_error',
    detail: expect.stringContaining('job.budgetMs') as string,
  });
  const next = plane.assign(jobSpec());
  expect((await plane.exitOf(next.spec.attemptId)).reason).toBe('completed');
  expect(plane.faults).toEqual([]);
  await agent.stop();
  await plane.stop();
});
