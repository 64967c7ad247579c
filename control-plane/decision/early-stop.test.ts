import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { earlyStop, type CurvePoint, type EarlierCurve, type EarlyStopInput } from './early-stop.js';

/** Falls from three times `end` towards it over 100 seconds, a point every `every` seconds. */
const curve = (end: number, until = 100, every = 1): CurvePoint[] =>
  Array.from({ length: Math.floor(until / every) + 1 }, (_, i) => ({
    t: i * every,
    value: end * (1 + 2 / (1 + (i * every) / 10)),
  }));
const kept = (end: number, configKey = 'base'): EarlierCurve => ({ configKey, isKept: true, points: curve(end) });
const reverted = (end: number): EarlierCurve => ({ configKey: `r${end}`, isKept: false, points: curve(end) });
/** Four configurations that were tried and reverted: with the baseline they tell how curves go on. */
const tried = [1, 3, 3.5, 2.5].map(reverted);
const ask = (input: Partial<EarlyStopInput>) =>
  earlyStop({
    metric: 'train_loss',
    goal: 'minimize',
    rule: 'envelope',
    after: 0.3,
    budgetSeconds: 100,
    minImprovement: 0.005,
    running: curve(4, 42),
    earlier: [kept(2), kept(2.02), kept(1.99), ...tried],
    ...input,
  });

describe('earlyStop by the envelope', () => {
  test('stops what is worse than every kept curve, and says so with figures', () => {
    const stop = ask({});
    expect(stop).toMatchObject({ seconds: 42, share: 0.42, n: 3 });
    expect(stop?.why).toMatch(
      /^at 42% of the budget train_loss 5\.\d+ is worse than every kept curve \(2\.\d+ to 2\.\d+\)$/,
    );
  });

  test('goes on with what is within the noise of the worst kept curve', () => {
    expect(ask({ running: curve(2.03, 60) })).toBeNull();
    expect(ask({ running: curve(2.03, 60), earlier: [kept(2), kept(2), ...tried] })).not.toBeNull();
  });

  test('goes on with what is better than one kept curve, however good the others are', () => {
    expect(ask({ earlier: [kept(2), kept(1.5), kept(5, 'first'), ...tried] })).toBeNull();
  });

  test('is indifferent to reverted curves but for the noise in them', () => {
    expect(ask({ earlier: [kept(2), kept(2.02), kept(1.99), ...tried, reverted(0.5)] })).not.toBeNull();
  });

  test('stops nothing before its share of the budget, nor at its very end', () => {
    expect(ask({ running: curve(9, 29) })).toBeNull();
    expect(ask({ running: curve(9, 31) })).not.toBeNull();
    expect(ask({ running: curve(9, 96) })).toBeNull();
  });

  test('needs two kept curves, and whole curves of five configurations', () => {
    expect(ask({ earlier: [] })).toBeNull();
    expect(ask({ earlier: [kept(2), ...tried] })).toBeNull();
    expect(ask({ earlier: [kept(2), kept(2.02), ...tried] })).not.toBeNull();
    expect(ask({ earlier: [kept(2), kept(2.02), ...tried.slice(1)] })).toBeNull();
  });

  test('goes on with what starts slowly where curves are known to cross', () => {
    // At half time between 2.5 and 9, at the end all near 2.
    const crossing = [0, 1, 2, 3, 4].map((i): EarlierCurve => {
      const points = curve(2).map(({ t, value }) => ({ t, value: value + (t < 80 ? i * 1.5 : i * 0.01) }));
      return { configKey: `c${i}`, isKept: false, points };
    });
    const known = [kept(2), kept(2.02), kept(1.99)];
    expect(ask({ running: curve(4, 50), earlier: [...known, ...tried] })).not.toBeNull();
    expect(ask({ running: curve(4, 50), earlier: [...known, ...crossing] })).toBeNull();
  });

  test('is as sure of metrics that cross zero, where nothing is a ratio', () => {
    const below = (curves: readonly EarlierCurve[]) =>
      curves.map((known) => ({ ...known, points: known.points.map(({ t, value }) => ({ t, value: value - 4 })) }));
    const earlier = below([kept(2), kept(2.02), kept(1.99), ...tried]);
    const running = (end: number) => curve(end, 50).map(({ t, value }) => ({ t, value: value - 4 }));
    expect(ask({ running: running(6), earlier })).not.toBeNull();
    expect(ask({ running: running(2), earlier })).toBeNull();
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
      /is worse than the median of 5 earlier configurations \(3\.\d+\)$/,
    );
    expect(ask({ rule: 'median', earlier: earlier.slice(1), running: curve(8, 50) })).toBeNull();
    expect(ask({ rule: 'median', earlier, running: curve(2.2, 50) })).toBeNull();
  });

  test('counts a configuration once, however often it was measured', () => {
    const repeated = [1, 2, 3, 4, 5].map(() => reverted(2));
    expect(ask({ rule: 'median', earlier: repeated, running: curve(8, 50) })).toBeNull();
  });
});

describe('whatever the curves', () => {
  const values = fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 3, maxLength: 20 });
  const night = fc.record({
    running: values,
    others: fc.array(values, { minLength: 5, maxLength: 10 }),
    rule: fc.constantFrom('envelope' as const, 'median' as const),
  });
  const answer = (
    { running, others, rule }: { running: number[]; others: number[][]; rule: EarlyStopInput['rule'] },
    change: (value: number) => number,
    goal: EarlyStopInput['goal'] = 'minimize',
  ) => {
    const build = (of: number[], until: number) =>
      of.map((value, i) => ({ t: (i * until) / (of.length - 1), value: change(value) }));
    return ask({
      rule,
      goal,
      running: build(running, 50),
      earlier: others.map((of, i) => ({ configKey: String(i % 6), isKept: i % 2 === 0, points: build(of, 100) })),
    });
  };

  test('another unit of the metric changes nothing', () => {
    fc.assert(
      fc.property(night, (curves) => {
        const [plain, scaled] = [answer(curves, (value) => value), answer(curves, (value) => value * 1024)];
        expect(scaled === null).toBe(plain === null);
        if (plain && scaled) expect(scaled.worst).toBeCloseTo(plain.worst * 1024, 6);
      }),
    );
  });

  test('a metric that is better when it is higher is judged as its mirror image', () => {
    fc.assert(
      fc.property(night, (curves) => {
        const down = answer({ ...curves, rule: 'median' }, (value) => value);
        const up = answer({ ...curves, rule: 'median' }, (value) => -value, 'maximize');
        expect(up === null).toBe(down === null);
        if (up && down) expect(up.worst).toBeCloseTo(-down.worst, 9);
      }),
    );
  });

  test('a candidate as good as a kept curve at every instant is never stopped', () => {
    fc.assert(
      fc.property(night, (curves) => {
        const points = [...curves.others[0]!];
        const build = (of: number[]) => of.map((value, i) => ({ t: (i * 100) / (of.length - 1), value }));
        const earlier = curves.others.map((of, i) => ({
          configKey: String(i),
          isKept: i % 2 === 0,
          points: build(of),
        }));
        const running = build(points).filter(({ t }) => t <= 50);
        const stop = ask({ running, earlier });
        expect(stop).toBeNull();
      }),
    );
  });
});
