// Prints what the gate of code mode makes of the suite: node test/dist/code-policy/main.js [--json]
import { benchCode } from '@nightshift/control-plane/policy/code/bench-code';
import { suite } from './suite/index.js';
import { unseen } from './suite/unseen.js';

const result = benchCode(suite, () => performance.now());
const lines = [
  `cases ${result.cases}, safe ${result.safe}, unsafe ${result.unsafe}`,
  `recall ${result.blockRecall}  clean pass ${result.cleanPassRate}  attribution ${result.railAttribution}`,
  `blocked by ${Object.entries(result.byRail)
    .map(([rail, count]) => `${rail} ${count}`)
    .join(', ')}`,
  `${result.microsecondsPerCase} microseconds a case`,
  `known to pass and to cheat: ${unseen.length}`,
  ...unseen.map(({ id, stoppedBy }) => `  ${id}; stopped by ${stoppedBy}`),
  ...result.failures.map(
    ({ id, expect, got, expectedRail, rail, reason }) =>
      `FAILED ${id}: wanted ${expectedRail ?? expect}, got ${rail ?? got}${reason ? ` (${reason})` : ''}`,
  ),
];
process.stdout.write(
  process.argv.includes('--json') ? `${JSON.stringify(result, null, 2)}\n` : `${lines.join('\n')}\n`,
);
process.exitCode = result.failures.length === 0 ? 0 : 1;
