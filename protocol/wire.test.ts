import { expect, test } from 'vitest';
import { parseFrame } from './parse-frame.js';
import { agentFrameSchema } from './wire.js';

const parse = (text: string) => parseFrame(agentFrameSchema, text);

test('text that no database stores is replaced, in values and in names', () => {
  const frame = {
    type: 'refused',
    attemptId: 'att_1',
    token: 't\0',
    reason: 'disk_full',
    detail: `cut in the middle of ${'😀'.slice(0, 1)}`,
  };
  expect(parse(JSON.stringify(frame))).toEqual({
    frame: { ...frame, token: 't\uFFFD', detail: 'cut in the middle of \uFFFD' },
  });
  const point = { name: 'loss\0', value: 1 };
  expect(parse(JSON.stringify({ type: 'metrics', attemptId: 'a', token: 't', seq: 0, points: [point] }))).toMatchObject(
    {
      frame: { points: [{ name: 'loss\uFFFD', value: 1 }] },
    },
  );
});

test('escapes of what can be stored are kept as they are', () => {
  const text =
    '{"type":"refused","attemptId":"a","token":"t","reason":"disk_full","detail":"\\u0041 \\ud83d\\ude00 \\\\u0000"}';
  expect(parse(text)).toMatchObject({ frame: { detail: 'A 😀 \\u0000' } });
});

test('what is no frame is told in words', () => {
  expect(parse('{"type":"phase","attemptId":"a","token":"t","phase":"train","at":"0000-01-01T00:00:00Z"}')).toEqual({
    problem: 'at: the year 0 is none',
  });
  expect(parse('{')).toEqual({ problem: 'a frame must be JSON' });
  expect(parse('{"type":"accepted","attemptId":"a"}')).toMatchObject({
    problem: expect.stringMatching(/^token: /) as string,
  });
});
