import fc from 'fast-check';
import {
  PROPOSERS,
  RAILS,
  SCREENINGS,
  type Config,
  type Knob,
  type KnobValue,
  type Menu,
  type Screening,
  type Trajectory,
  type TrajectoryRecord,
} from '@nightshift/protocol';

const KNOBS = ['lr', 'depth', 'width', 'constructor', 'kind'];
export const smallMenu: Menu = {
  knobs: {
    lr: { type: 'float', range: [0.001, 1], scale: 'linear', default: 0.1, doc: '' },
    depth: { type: 'int', choices: [1, 2, 3], scale: 'linear', default: 2, doc: 'blocks' },
    width: { type: 'int', range: [1, 9], scale: 'linear', default: 4, doc: '' },
    // A knob may bear the name of something that every object inherits.
    ['constructor']: { type: 'bool', choices: [false, true], scale: 'linear', default: false, doc: '' } satisfies Knob,
    kind: { type: 'str', choices: ['a', 'b'], scale: 'linear', default: 'a', doc: '' },
  },
  constraints: [],
};

const values: Record<string, KnobValue[]> = {
  lr: [0.1, 0.2, 0.3],
  depth: [1, 2, 3],
  width: [4, 5],
  constructor: [false, true],
  kind: ['a', 'b', 'NaN'],
};
const proposal = fc.constantFrom(...KNOBS).chain((knob) =>
  fc.record({
    knob: fc.constant(knob),
    newValue: fc.constantFrom(...(values[knob] as KnobValue[])),
    reason: fc.string(),
  }),
);
const seconds = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true }).map(positiveZero));
/** Measurements a few thousandths apart, and now and then what a broken evaluator gives. */
const measurement = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 900, max: 1100 }).map((n) => n / 1000) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity, 1e300, 5e-324) },
);
const configuration = fc.option(fc.constantFrom<Config[]>({ lr: 0.1, depth: 2 }, { lr: 0.2, depth: 2 }, { kind: 'b' }));
const decision = fc.option(
  fc.record({
    outcome: fc.constantFrom('keep' as const, 'revert' as const, 'inconclusive' as const),
    comparator: fc.constantFrom('incumbent' as const, 'baseline' as const),
    comparatorMean: fc.option(measurement),
    comparatorN: fc.nat(9),
    candidateMean: fc.option(measurement),
    candidateN: fc.nat(9),
    effect: fc.option(measurement),
    standardError: fc.option(measurement),
    noiseSd: fc.option(measurement),
    degreesOfFreedom: fc.nat(9),
    probability: fc.option(measurement),
    reason: fc.string(),
  }),
);
const blocked = fc.array(
  fc.record({
    rail: fc.constantFrom(...RAILS),
    reason: fc.string(),
    raw: fc.string(),
    proposer: fc.constantFrom(...PROPOSERS),
  }),
  { maxLength: 2 },
);

function positiveZero(value: number): number {
  return value === 0 ? 0 : value;
}

const screening: fc.Arbitrary<Screening> = fc.record({
  outcome: fc.constantFrom(...SCREENINGS),
  value: fc.option(measurement),
  comparatorMean: fc.option(measurement),
  comparatorN: fc.nat(3),
  effect: fc.option(measurement),
  bar: fc.option(measurement),
  expected: fc.option(measurement),
  luckiest: fc.option(measurement),
  pairs: fc.nat(50),
  trainedSeconds: fc.nat(100),
  comparatorSeconds: fc.nat(100),
  savedSeconds: seconds,
  reason: fc.string(),
});
const outcome = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('kept' as const, 'reverted' as const, 'inconclusive' as const) },
  { weight: 2, arbitrary: fc.constantFrom('blocked' as const, 'failed' as const, 'screened_out' as const) },
);
const record: fc.Arbitrary<TrajectoryRecord> = fc
  .record({
    iteration: fc.constant(0),
    outcome,
    proposer: fc.option(fc.constantFrom(...PROPOSERS)),
    proposal: fc.option(proposal, { freq: 8 }),
    config: configuration,
    values: fc.array(measurement, { maxLength: 3 }),
    metric: fc.option(measurement, { freq: 8 }),
    failure: fc.option(fc.string()),
    rail: fc.option(fc.constantFrom(...RAILS)),
    blocked,
    decision,
    screening: fc.option(screening),
    wallSeconds: seconds,
    modelSeconds: seconds,
    energyWh: seconds,
  })
  .chain((made) =>
    fc.option(fc.string()).map((text): TrajectoryRecord => (text === null ? made : { ...made, description: text })),
  );

export const trajectories: fc.Arbitrary<Trajectory> = fc.record({
  metric: fc.record({
    name: fc.constantFrom('val_bpb', 'accuracy'),
    goal: fc.constantFrom('minimize' as const, 'maximize' as const),
  }),
  menu: fc.option(fc.constant(smallMenu)),
  baseline: fc.record({
    config: fc.option(fc.constant({ lr: 0.1, depth: 2 })),
    values: fc.array(measurement, { maxLength: 3 }),
    value: fc.option(fc.integer({ min: 900, max: 1100 }).map((n) => n / 1000)),
  }),
  records: fc
    .array(record, { maxLength: 60, size: 'max' })
    .map((records) => records.map((made, index) => ({ ...made, iteration: index + 1 }))),
  warnings: fc.array(fc.string(), { maxLength: 2 }),
});
