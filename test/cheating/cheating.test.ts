import { expect, test } from 'vitest';
import { cheats } from './cases/index.js';
import { attemptAll, noSandbox } from './run.js';

const isLinux = process.platform === 'linux';

test('there are at least fifteen ways to cheat, each named once', () => {
  expect(new Set(cheats.map((cheat) => cheat.name)).size).toBe(cheats.length);
  expect(cheats.length).toBeGreaterThanOrEqual(15);
});

test.runIf(isLinux && noSandbox() === null)(
  'in the sandbox every cheat is caught or harmless',
  { timeout: 300_000 },
  async () => {
    const done = await attemptAll('sandbox');
    expect(done.filter((row) => row.outcome !== 'caught' && row.outcome !== 'harmless')).toEqual([]);
  },
);

test.runIf(isLinux)(
  'without one every cheat is caught or harmless but those that are known to need it',
  { timeout: 300_000 },
  async () => {
    const done = await attemptAll('none');
    expect(done.filter((row) => row.outcome === 'SUCCEEDED')).toEqual([]);
    expect(done.filter((row) => row.outcome === 'needs sandbox').map((row) => row.name)).toEqual(
      cheats.filter((cheat) => cheat.needsSandbox !== undefined).map((cheat) => cheat.name),
    );
  },
);
