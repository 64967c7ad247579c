import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBoxById } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { paperBox } from '../testing/paper-box.js';
import { Heartbeats } from './heartbeats.js';
import { tellUnreachable } from './tell-unreachable.js';

let database: TestDatabase;
const log = { debug() {}, info() {}, warn() {}, error() {} };
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

const eventsOf = async (boxId: string, type: string) =>
  (await settledEvents(database.db, { types: [type], limit: 1000 })).filter((event) => event.boxId === boxId);

/** While `work` runs, no event of this type can be stored. */
async function withoutEvents(type: string, work: () => Promise<void>): Promise<void> {
  await database.sql.unsafe(`
    create function refuse_event() returns trigger language plpgsql as $$ begin raise 'no events now'; end $$;
    create trigger refuse_event before insert on events for each row when (new.type = '${type}') execute function refuse_event();`);
  try {
    await work();
  } finally {
    await database.sql`drop function refuse_event cascade`;
  }
}

test('a box becomes unreachable, and reachable again, together with the event or not at all', async () => {
  const { db } = database;
  const box = await paperBox(db);
  const stateOf = async () => (await findBoxById(db, box.id))?.state;
  await database.sql`update boxes set last_seen_at = now() - interval '1 hour' where id = ${box.id}`;
  await withoutEvents('box.unreachable', () => expect(tellUnreachable(db, 1000)).rejects.toThrow('events'));
  expect(await stateOf()).toBe('online');
  await tellUnreachable(db, 1000);
  expect(await stateOf()).toBe('unreachable');
  expect(await eventsOf(box.id, 'box.unreachable')).toHaveLength(1);

  let stored = () => {};
  const beats = new Heartbeats({ db, log }, () => stored());
  const beat = () =>
    new Promise<void>((resolve) => {
      stored = resolve;
      beats.add(box.id, { type: 'heartbeat', at: new Date().toISOString(), freeSlots: 1, dirty: [], telemetry: [] });
    });
  await withoutEvents('box.online', beat);
  expect(await stateOf()).toBe('unreachable');
  await beat();
  expect(await stateOf()).toBe('online');
  expect(await eventsOf(box.id, 'box.online')).toHaveLength(1);
  beats.stop();
});
