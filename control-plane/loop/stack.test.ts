import { afterAll, beforeAll, expect, test } from 'vitest';
import { changedKnobs, parseSpec, type Config, type SpecInput } from '@nightshift/protocol';
import { findRun, listIterations, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { paperBox } from '../testing/paper-box.js';
import { seededRandom } from '../search/index.js';
import { advance } from './advance.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { propose } from './propose.js';
import { submitProposal } from './submit-proposal.js';
import { loadTrajectory } from './trajectory-of-run.js';

const KNOBS = ['a', 'b', 'c', 'd', 'e'];
const SPEC: SpecInput = {
  name: 'small-gains',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize', bounds: [0, 100] },
  job: { train: 'true', budget: '1s' },
  menu: { knobs: Object.fromEntries(KNOBS.map((name) => [name, { type: 'bool', default: false }])) },
  decision: { baselineReplicates: 3, maxReplicates: 2, minImprovement: 0.03 },
  stop: { iterations: 10 },
};
// Each knob is worth 1.2%, and nothing below 3% is ever kept.
const loss = (config: Config) => 10 - 0.12 * KNOBS.filter((name) => config[name] === true).length;

let database: TestDatabase;
let deps: LoopDeps;
beforeAll(async () => {
  database = await createTestDatabase();
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  deps = {
    db: database.db,
    log: quiet,
    wake: { run() {}, fleet() {} },
    apiKey: () => undefined,
    leaseMs: 10_000,
    signal: new AbortController().signal,
  };
});
afterAll(() => database.drop());

async function step(runId: string): Promise<void> {
  for (
    let claims = await advance(deps, runId, { skip: false });
    claims.length > 0;
    claims = await advance(deps, runId, { skip: false })
  )
    for (const claim of claims) await propose(deps, claim);
}

async function drive(input: Partial<SpecInput>, jobs = 100): Promise<RunRow> {
  const box = await paperBox(deps.db);
  const noise = seededRandom('stack');
  const { id } = await createRun(deps, parseSpec({ ...SPEC, ...input }));
  for (let i = 0; i < jobs; i++) {
    await step(id);
    if ((await findRun(deps.db, id))?.endedAt || !(await box.work((config) => loss(config) + 0.002 * noise.normal())))
      break;
  }
  return (await findRun(deps.db, id)) as RunRow;
}

test('gains too small to be kept one by one are stacked, and kept together', async () => {
  const run = await drive({});
  const iterations = await listIterations(deps.db, run.id);
  const kept = iterations.find(({ state }) => state === 'kept');
  expect(changedKnobs(run.baselineConfig, kept?.config as Config).length).toBeGreaterThan(1);
  expect(kept?.standsOn).not.toBeNull();
  // One knob of the configuration that it says it stands on, which was measured and not kept.
  const below = iterations.find(({ number }) => number === kept?.standsOn);
  expect(below?.state).not.toBe('kept');
  expect(changedKnobs(below?.config as Config, kept?.config as Config)).toEqual([kept?.proposal?.knob]);
  const { records } = await loadTrajectory(deps.db, run);
  expect(records.find(({ outcome }) => outcome === 'kept')?.standsOn).toBe(kept?.standsOn);
});

test.each<Partial<SpecInput>>([
  { decision: { ...SPEC.decision, stack: false } },
  { decision: { ...SPEC.decision, compare: 'baseline' } },
  { proposer: { kind: 'random' } },
])('with %j every candidate is one change of what it is compared with', async (input) => {
  const run = await drive(input);
  const iterations = (await listIterations(deps.db, run.id)).filter(({ config }) => config !== null);
  expect(iterations.length).toBeGreaterThan(3);
  for (const { config, standsOn } of iterations) {
    expect(standsOn).toBeNull();
    expect(changedKnobs(run.baselineConfig, config as Config)).toHaveLength(1);
  }
});

test('what a person hands in changes the incumbent, whatever is believed best', async () => {
  const box = await paperBox(deps.db);
  const { id } = await createRun(deps, parseSpec({ ...SPEC, proposer: { kind: 'external' } }));
  const tell = (knob: string) => submitProposal(deps, id, { raw: { knob, new_value: true, reason: 'a person' } });
  for (let i = 0; i < 4; i++) {
    await step(id);
    await box.work((config) => loss(config) + 0.001 * i);
  }
  await tell('a');
  await step(id);
  await box.work(loss);
  await step(id);
  const { iteration } = await tell('b');
  expect(iteration?.standsOn).toBeNull();
  expect(iteration?.config).toMatchObject({ a: false, b: true });
});
