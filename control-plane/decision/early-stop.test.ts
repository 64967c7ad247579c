import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { earlyStop, type CurvePoint, type EarlierCurve, type EarlyStopInput } from './early-stop.js';

/** Falls from 10 towards `end` over 100 seconds, a point every `every` seconds. */
const curve = (end: number, until = 100, every = 1): CurvePoint[] =>
  Array.from({ length: Math.floor(until / every) + 1 }, (_, i) => ({
    t: i * every,
    value: end + (10 - end) / (1 + (i * every) / 10),
  }));
const kept = (end: number, configKey = 'base'): EarlierCurve => ({ configKey, isKept: true, points: curve(end) });
const reverted = (end: number): EarlierCurve => ({ configKey: `r${end}`, isKept: false, points: curve(end) });
const ask = (input: Partial<EarlyStopInput>) =>
  earlyStop({
    metric: 'train_loss',
    goal: 'minimize',
    rule: 'envelope',
    after: 0.3,
    budgetSeconds: 100,
    minImprovement: 0.005,
    running: curve(4, 42),
    earlier: [kept(2), kept(2.02), kept(1.99)],
    ...input,
  });

describe('earlyStop by the envelope', () => {
  test('stops what is worse than every kept curve, and says so with figures', () => {
    const stop = ask({});
    expect(stop).toMatchObject({ seconds: 42, share: 0.42, n: 3 });
    expect(stop?.why).toMatch(
      /^at 42% of the budget train_loss 5\.\d+ is worse than every kept curve \(3\.\d+ to 3\.\d+\)$/,
    );
  });

  test('goes on with what is within the noise of the worst kept curve', () => {
    expect(ask({ running: curve(2.03, 60) })).toBeNull();
    expect(ask({ running: curve(2.03, 60), earlier: [kept(2), kept(2)] })).not.toBeNull();
  });

  test('goes on with what is better than one kept curve, however good the others are', () => {
    expect(ask({ earlier: [kept(2), kept(1.5), kept(5, 'first')] })).toBeNull();
  });

  test('is indifferent to reverted curves but for the noise in them', () => {
    expect(ask({ earlier: [kept(2), kept(2.02), kept(1.99), reverted(9)] })).not.toBeNull();
  });

  test('stops nothing before its share of the budget, nor at its very end', () => {
    expect(ask({ running: curve(9, 29) })).toBeNull();
    expect(ask({ running: curve(9, 31) })).not.toBeNull();
    expect(ask({ running: curve(9, 96) })).toBeNull();
  });

  test('needs two kept curves', () => {
    expect(ask({ earlier: [] })).toBeNull();
    expect(ask({ earlier: [kept(2), reverted(2)] })).toBeNull();
  });

  test('one loud step stops nobody', () => {
    const running = curve(2, 60);
    expect(ask({ running: running.with(-1, { t: 60, value: 50 }) })).toBeNull();
  });

  test('compares a curve of few points with one of many as alike', () => {
    expect(ask({ running: curve(2, 60, 20) })).toBeNull();
    expect(ask({ running: curve(4, 60, 20) })).not.toBeNull();
  });

  test('a metric that is no number any more is hopeless', () => {
    const once = curve(2, 50).with(-1, { t: 50, value: Number.NaN });
    expect(ask({ running: once })).toBeNull();
    expect(ask({ running: once.with(-2, { t: 49, value: Infinity }) })?.why).toContain('train_loss NaN is worse');
  });

  test('a curve that was bad for a while and is not any more goes on', () => {
    const running = curve(2, 80).map((point) => (point.t < 60 ? { ...point, value: point.value * 3 } : point));
    expect(ask({ running })).toBeNull();
  });
});

describe('earlyStop by the median', () => {
  const earlier = [1, 1.5, 2, 2.5, 3].map((end) => reverted(end));

  test('stops what was never as good as the median of the means so far, of five configurations or more', () => {
    expect(ask({ rule: 'median', earlier, running: curve(8, 50) })?.why).toMatch(
      /is worse than the median of 5 earlier configurations \(4\.\d+\)$/,
    );
    expect(ask({ rule: 'median', earlier: earlier.slice(1), running: curve(8, 50) })).toBeNull();
    expect(ask({ rule: 'median', earlier, running: curve(2.2, 50) })).toBeNull();
  });

  test('counts a configuration once, however often it was measured', () => {
    const repeated = [1, 2, 3, 4, 5].map(() => reverted(2));
    expect(ask({ rule: 'median', earlier: repeated, running: curve(8, 50) })).toBeNull();
  });
});

test('mirrored curves and goals give mirrored answers', () => {
  const points = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 3, maxLength: 20 });
  const build = (values: number[], sign: number, until: number) =>
    values.map((value, i) => ({ t: (i * until) / (values.length - 1), value: sign * value }));
  fc.assert(
    fc.property(
      points,
      fc.array(points, { minLength: 2, maxLength: 8 }),
      fc.constantFrom('envelope' as const, 'median' as const),
      (running, others, rule) => {
        const answer = (sign: number) =>
          ask({
            rule,
            goal: sign === 1 ? 'minimize' : 'maximize',
            running: build(running, sign, 50),
            earlier: others.map((values, i) => ({
              configKey: String(i % 6),
              isKept: i % 2 === 0,
              points: build(values, sign, 100),
            })),
          });
        const [down, up] = [answer(1), answer(-1)];
        expect(up === null).toBe(down === null);
        if (up && down) expect(up.worst).toBeCloseTo(-down.worst, 9);
      },
    ),
  );
});
