import { expect, test } from 'vitest';
import { SendWindow } from './send-window.js';

test('what is in flight counts as lost after 20 s without progress, and not before', () => {
  const window = new SendWindow(100);
  expect(window.stallsInMs(0)).toBeNull();
  window.advance(50, 5000);
  window.advance(50, 9000);
  expect(window.stallsInMs(9000)).toBe(16_000);
  window.ack(150, 10_000);
  expect(window.stallsInMs(10_000)).toBe(20_000);
  expect(window.rewindIfStalled(29_999)).toBe(false);
  expect(window.sent).toBe(200);
  expect(window.rewindIfStalled(30_000)).toBe(true);
  expect([window.sent, window.acked, window.stallsInMs(30_000)]).toEqual([150, 150, null]);
});

test('an answer without progress tells of a gap, which is believed after a second', () => {
  const window = new SendWindow(0);
  window.advance(100, 0);
  window.ack(0, 300);
  expect(window.stallsInMs(300)).toBe(700);
  expect(window.rewindIfStalled(1000)).toBe(true);
  expect(window.sent).toBe(0);
});

test('an answer to bytes that were sent twice is no gap when progress follows', () => {
  const window = new SendWindow(0);
  window.advance(100, 0);
  window.ack(0, 10);
  window.ack(60, 20);
  expect(window.stallsInMs(20)).toBe(20_000);
});

test('every time that sending again does not help, the wait doubles, up to eightfold; progress ends that', () => {
  const window = new SendWindow(0);
  const waits: (number | null)[] = [];
  let now = 0;
  for (let round = 0; round < 5; round++) {
    window.advance(10, now);
    const waitMs = window.stallsInMs(now);
    waits.push(waitMs);
    window.rewindIfStalled((now += waitMs ?? 0));
  }
  expect(waits).toEqual([20_000, 40_000, 80_000, 160_000, 160_000]);
  window.advance(10, now);
  window.ack(5, now);
  expect(window.stallsInMs(now)).toBe(20_000);
});

test('what another connection delivered is not sent again', () => {
  const window = new SendWindow(0);
  window.advance(10, 0);
  window.ack(500, 1);
  expect([window.sent, window.acked, window.inFlight]).toEqual([500, 500, 0]);
  window.ack(500, 2);
  expect(window.stallsInMs(2)).toBeNull();
});
