import { appendFileSync, writeFileSync } from 'node:fs';
import { agentFrameSchema, LOG_FRAME_BYTES, parseFrame, type AgentFrame, type FrameOf } from '@nightshift/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { Attempt } from '../spool/attempt.js';
import { startBox } from '../testing/box.js';
import { jobSpec } from '../testing/job-spec.js';
import { FakeControlPlane } from './testing/fake-control-plane.js';
import { Upload } from './upload.js';
import { temporaryFolder } from '../testing/temporary-folder.js';

let attempt: Attempt;
let frames: AgentFrame[];
let now: number;
let upload: Upload;
const wire = { send: (frame: AgentFrame) => frames.push(frame) > 0, bufferedBytes: 0 };
const start = () => {
  attempt.refresh();
  return (upload = new Upload(attempt, { logOffset: 0, metricSeq: 0 }, () => now));
};
const point = (value: number) => `${JSON.stringify({ name: 'loss', value })}\n`;
const offsets = () => frames.flatMap((frame) => (frame.type === 'log' ? [frame.offset] : []));
const seqs = () => frames.flatMap((frame) => (frame.type === 'metrics' ? [frame.seq] : []));

beforeEach(() => {
  attempt = Attempt.create(temporaryFolder('upload'), jobSpec());
  frames = [];
  now = 1000;
});

describe('an upload', () => {
  test('asks to be pumped again while something is not acknowledged, and then sends it again', () => {
    writeFileSync(attempt.dir.log, 'x'.repeat(2 * LOG_FRAME_BYTES));
    writeFileSync(attempt.dir.metrics, point(1) + point(2));
    start();
    expect(upload.pump(wire)).toBe(20_000);
    now += 19_999;
    expect(upload.pump(wire)).toBe(1);
    now += 1;
    expect(upload.pump(wire)).toBe(40_000);
    expect(offsets()).toEqual([0, LOG_FRAME_BYTES, 0, LOG_FRAME_BYTES]);
    expect(seqs()).toEqual([0, 0]);
    upload.ack({ logOffset: 2 * LOG_FRAME_BYTES, metricSeq: 2 });
    expect(upload.pump(wire)).toBeNull();
    upload.close();
  });

  test('goes back a second after an answer that tells of a gap, to where the other end is', () => {
    writeFileSync(attempt.dir.log, 'x'.repeat(3 * LOG_FRAME_BYTES));
    start().pump(wire);
    upload.ack({ logOffset: LOG_FRAME_BYTES });
    upload.ack({ logOffset: LOG_FRAME_BYTES });
    expect(upload.pump(wire)).toBe(1000);
    now += 1000;
    frames = [];
    upload.pump(wire);
    expect(offsets()).toEqual([LOG_FRAME_BYTES, 2 * LOG_FRAME_BYTES]);
    upload.close();
  });

  test('sends lost points again though the log goes on', () => {
    writeFileSync(attempt.dir.log, 'x'.repeat(LOG_FRAME_BYTES));
    writeFileSync(attempt.dir.metrics, point(1) + point(2));
    start().pump(wire);
    upload.ack({ metricSeq: 1 });
    upload.ack({ metricSeq: 1 });
    now += 1000;
    upload.ack({ logOffset: LOG_FRAME_BYTES });
    upload.pump(wire);
    const last = frames.at(-1) as FrameOf<'metrics'>;
    expect(last).toMatchObject({ type: 'metrics', seq: 1, points: [{ name: 'loss', value: 2 }] });
    upload.close();
  });

  test('sends only what the wire can carry: no month 99, no 30th of February, no number beyond all numbers', () => {
    const good = '2026-02-28T00:00:00.000Z';
    const times = ['2026-99-01T00:00:00.000Z', '2026-02-30T00:00:00.000Z', '0000-01-01T00:00:00.000Z', good];
    const lines = times.map((at) => `{"name":"loss","value":1,"at":"${at}"}\n`);
    writeFileSync(attempt.dir.metrics, `${lines.join('')}{"name":"loss","value":1e999}\n`);
    start();
    upload.pump(wire);
    for (const frame of frames) expect(parseFrame(agentFrameSchema, JSON.stringify(frame))).toHaveProperty('frame');
    const points = frames.flatMap((frame) => (frame.type === 'metrics' ? frame.points : []));
    expect(points.map(({ at }) => at)).toEqual([undefined, undefined, undefined, good, undefined]);
    expect(points.at(-1)?.value).toBe('Infinity');
    upload.close();
  });

  test('passes a line that no buffer holds, as one point', () => {
    writeFileSync(attempt.dir.metrics, `${point(1)}${'y'.repeat(150_000)}`);
    start();
    expect(attempt.metricCount).toBe(1);
    upload.pump(wire);
    appendFileSync(attempt.dir.metrics, `${'y'.repeat(2_000_000)}\n${point(3)}`);
    attempt.refresh();
    expect(attempt.metricCount).toBe(3);
    upload.pump(wire);
    const points = frames.flatMap((frame) => (frame.type === 'metrics' ? frame.points : []));
    expect(points.map(({ name, value }) => [name, value])).toEqual([
      ['loss', 1],
      ['unreadable', 'NaN'],
      ['loss', 3],
    ]);
    expect(seqs()).toEqual([0, 1]);
    upload.close();
  });
});

test('a job whose last bytes were lost on the way ends without any new byte', async () => {
  const plane = await FakeControlPlane.start();
  const agent = await startBox(plane);
  await plane.online();
  plane.isAcking = false;
  const held = plane.assign(jobSpec({ train: 'echo val_loss: 2' }));
  const { attemptId } = held.spec;
  await plane.until(() => held.logBytes > 0 && held.metrics.length > 0, 'the log and the point');
  plane.isAcking = true;
  plane.send({ type: 'ack', attemptId, logOffset: 0, metricSeq: 0 });
  expect(await plane.exitOf(attemptId, 10_000)).toMatchObject({ reason: 'completed', metric: 2 });
  expect(plane.faults).toEqual([]);
  await agent.stop();
  await plane.stop();
});
