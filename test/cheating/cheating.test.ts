import { expect, test } from 'vitest';
import { cheats } from './cases/index.js';
import { attemptAll, noSandbox, type Attempted } from './run.js';

const known = cheats.filter((cheat) => cheat.notStopped !== undefined).map((cheat) => cheat.name);
const named = (rows: Attempted[], outcome: Attempted['outcome']) =>
  rows.filter((row) => row.outcome === outcome).map((row) => row.name);
const isLinux = process.platform === 'linux';

test('there are at least fifteen ways to cheat, each named once', () => {
  expect(new Set(cheats.map((cheat) => cheat.name)).size).toBe(cheats.length);
  expect(cheats.length).toBeGreaterThanOrEqual(15);
});

test.runIf(isLinux && noSandbox() === null)(
  'in the sandbox every cheat is caught or harmless but the one that is told as what it is',
  { timeout: 300_000 },
  async () => {
    const done = await attemptAll('sandbox');
    const isStopped = (row: Attempted) => row.outcome === 'caught' || row.outcome === 'harmless';
    expect(done.filter((row) => !isStopped(row) && row.outcome !== 'not stopped')).toEqual([]);
    expect(named(done, 'not stopped')).toEqual(known);
  },
);

test.runIf(isLinux)(
  'without one every cheat is caught or harmless but that one and those that are known to need it',
  { timeout: 300_000 },
  async () => {
    const done = await attemptAll('none');
    expect(done.filter((row) => row.outcome === 'SUCCEEDED')).toEqual([]);
    expect(named(done, 'not stopped')).toEqual(known);
    expect(named(done, 'needs sandbox')).toEqual(
      cheats.filter((cheat) => cheat.needsSandbox !== undefined).map((cheat) => cheat.name),
    );
  },
);
