import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseSpec, type TrajectoryRecord } from '@nightshift/protocol';
import { findRun, updateRun, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { EMPTY_PLAYBOOK } from '../trajectory/playbook.js';
import { climbLadder } from './climb-ladder.js';
import { createRun } from './create-run.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const model = (name: string) => ({ baseUrl: 'http://127.0.0.1:9/v1', name });
const record = (iteration: number, outcome: 'kept' | 'reverted'): TrajectoryRecord => ({
  iteration,
  outcome,
  proposer: 'model',
  proposal: null,
  config: {},
  values: [1],
  metric: 1,
  failure: null,
  rail: null,
  blocked: [],
  decision: null,
  wallSeconds: null,
  modelSeconds: null,
  energyWh: null,
});

test('a run that writes patches alone climbs, stays up after a keep, and takes a step once', async () => {
  const { db } = database;
  const deps = { db, wake: { run() {}, fleet() {} } };
  const { id } = await createRun(
    deps,
    parseSpec({
      name: 'ladder',
      source: { path: '/nowhere' },
      metric: { name: 'loss', goal: 'minimize' },
      job: { train: 'true' },
      edit: { files: ['train.py'] },
      proposer: { kind: 'model', model: model('small'), ladder: { after: 2, models: [model('large')] } },
    }),
  );
  const read = async () => (await findRun(db, id)) as RunRow;
  const records = [record(1, 'reverted'), record(2, 'reverted')];
  const early = await read();
  expect((await climbLadder(deps, early, { trajectory: { records: records.slice(0, 1) } }))?.name).toBe('small');

  // Between the reading of the run and the step the playbook has acted.
  await updateRun(db, id, { playbook: { ...EMPTY_PLAYBOOK, actions: [{ kind: 'reflect' }] } });
  const both = [1, 2].map(() => climbLadder(deps, early, { trajectory: { records } }));
  expect((await Promise.all(both)).map((spec) => spec?.name)).toEqual(['large', 'large']);
  expect(await read()).toMatchObject({
    ladderStep: 1,
    playbook: { ladderSince: 2, actions: [{ kind: 'reflect' }] },
  });

  const later = { trajectory: { records: [...records, record(3, 'kept')] } };
  expect((await climbLadder(deps, await read(), later))?.name).toBe('large');
  const events = await settledEvents(db, { runId: id, types: ['model.ladder'], limit: 10 });
  expect(events.map((event) => event.payload)).toEqual([{ step: 1, model: 'large', iteration: 2 }]);
});
