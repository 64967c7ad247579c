import { mkdtempSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { databaseUrl, startTestServer } from '@nightshift/db/testing/server';
import { runFuzz } from './fuzz.js';
import { runTail } from './tail.js';

// By hand: node test/dist/chaos/fuzz-main.js --frames 100000 --bodies 10000, or --tail 500 for jobs that print last.
const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '100000' },
    bodies: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    tail: { type: 'string' },
  },
});
const dir = mkdtempSync(`/tmp/nightshift-test-${process.pid}-`);
const server = await startTestServer(dir, undefined, 'chaos');
const url = databaseUrl(server.adminUrl, 'chaos');
const report =
  values.tail === undefined
    ? await runFuzz({
        databaseUrl: url,
        frames: Number(values.frames),
        bodies: Number(values.bodies),
        seed: Number(values.seed),
        say: (line) => console.log(line),
      })
    : await runTail({ databaseUrl: url, jobs: Number(values.tail), burners: 2 });
await server.stop();
rmSync(dir, { recursive: true, force: true });
console.log(JSON.stringify(report, null, 2));
process.exit(report.problems.length === 0 ? 0 : 1);
