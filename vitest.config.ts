import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
// Tests import the sources of every package, so that a class has one identity whichever way it was imported.
const packages = '(protocol|db|control-plane|gpu-agent)';

export default defineConfig({
  resolve: {
    alias: [
      { find: new RegExp(`^@nightshift/${packages}$`), replacement: `${root}$1/index.ts` },
      { find: new RegExp(`^@nightshift/${packages}/(.+)$`), replacement: `${root}$1/$2.ts` },
    ],
  },
  test: {
    include: ['{protocol,db,control-plane,gpu-agent,cli,test,scripts}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    globalSetup: ['test/setup/postgres.ts'],
    pool: 'forks',
    // Tests wait for events, up to 40 s each, and say which one did not come. Shorter than that hides it and ends tests that start many
    // processes on a busy machine; longer holds up a run that has failed.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    // Tests that kill and cut real processes meet a loaded CI machine: one that passes on a second try is printed as such, not hidden.
    retry: process.env.CI ? 2 : 0,
    reporters: ['default'],
  },
});
