import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leastPromise, modelShare, nextTurn, type Turn } from './hybrid.js';

const bounds = { floor: 0.1, ceiling: 0.8 };
const turn = (proposer: Turn['proposer'], gain: number): Turn => ({ proposer, gain, measurements: 1 });

function play(turns: number, gains: Record<Turn['proposer'], number>, limits = bounds): Turn[] {
  const history: Turn[] = [];
  for (let i = 0; i < turns; i++) {
    const proposer = nextTurn(history, limits);
    history.push(turn(proposer, gains[proposer]));
  }
  return history;
}
const shareOf = (history: Turn[]) => history.filter(({ proposer }) => proposer === 'model').length / history.length;

test('without evidence both take turns', () => {
  expect(shareOf(play(20, { sampler: 0, model: 0 }))).toBe(0.5);
});

test('a model that gains more gets the ceiling, one that gains nothing less than a fifth', () => {
  expect(shareOf(play(200, { sampler: 0.001, model: 0.01 }))).toBeCloseTo(0.8, 1);
  expect(shareOf(play(200, { sampler: 0.01, model: 0 }))).toBeLessThan(0.2);
});

test('both are asked again and again, whoever gains', () => {
  for (const gains of [
    { sampler: 1, model: 0 },
    { sampler: 0, model: 1 },
  ]) {
    const late = play(300, gains).slice(-20);
    expect(new Set(late.map(({ proposer }) => proposer)).size).toBe(2);
  }
});

test('the first turn is the sampler’s: its model needs something to judge a proposal by', () => {
  expect(nextTurn([], bounds)).toBe('sampler');
  expect(nextTurn([turn('sampler', 0)], bounds)).toBe('model');
});

test('a floor and ceiling of 0 or 1 hand all turns to one side', () => {
  expect(shareOf(play(20, { sampler: 0, model: 1 }, { floor: 0, ceiling: 0 }))).toBe(0);
  expect(shareOf(play(20, { sampler: 1, model: 0 }, { floor: 1, ceiling: 1 }))).toBe(1);
});

test('what helped long ago counts less than what helps now', () => {
  const early = [
    ...Array.from({ length: 20 }, () => turn('model', 0.01)),
    ...Array.from({ length: 60 }, (_, i) => turn(i % 2 ? 'model' : 'sampler', i % 2 ? 0 : 0.01)),
  ];
  expect(modelShare(early, bounds)).toBeLessThan(0.3);
});

test('the share stays within its bounds and the needed promise within (0, 1] for any history', () => {
  const anyTurn = fc.record({
    proposer: fc.constantFrom('sampler' as const, 'model' as const),
    gain: fc.double({ min: -1, max: 10, noNaN: true }),
    measurements: fc.nat({ max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(anyTurn, { maxLength: 60 }), (history) => {
      const share = modelShare(history, bounds);
      expect(share).toBeGreaterThanOrEqual(bounds.floor);
      expect(share).toBeLessThanOrEqual(bounds.ceiling);
      expect(leastPromise(history)).toBeGreaterThan(0);
      expect(leastPromise(history)).toBeLessThanOrEqual(1);
      expect(nextTurn(history, bounds)).toBe(nextTurn([...history], bounds));
    }),
  );
});

test('a model that gains less must promise more', () => {
  const good = Array.from({ length: 10 }, (_, i) => turn(i % 2 ? 'model' : 'sampler', i % 2 ? 0.01 : 0.001));
  const bad = Array.from({ length: 10 }, (_, i) => turn(i % 2 ? 'model' : 'sampler', i % 2 ? 0.001 : 0.01));
  expect(leastPromise(good)).toBeLessThan(leastPromise([]));
  expect(leastPromise(bad)).toBe(1);
});
