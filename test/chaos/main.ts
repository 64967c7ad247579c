import { mkdtempSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { databaseUrl, startTestServer } from '@nightshift/db/testing/server';
import { runChaos } from './chaos.js';

// By hand: node test/dist/chaos/main.js --cycles 200 --seed 1, on a Postgres of its own or on --database URL.
const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    database: { type: 'string' },
  },
});
const dir = mkdtempSync(`/tmp/nightshift-test-${process.pid}-`);
const server = values.database === undefined ? await startTestServer(dir, undefined, 'chaos') : null;
const url = values.database ?? databaseUrl(server?.adminUrl ?? '', 'chaos');
const report = await runChaos({
  databaseUrl: url,
  cycles: Number(values.cycles),
  seed: Number(values.seed),
  isServerOwn: server !== null,
  say: (line) => console.log(line),
});
await server?.stop();
rmSync(dir, { recursive: true, force: true });
console.log(JSON.stringify(report, null, 2));
process.exit(report.problems.length === 0 ? 0 : 1);
