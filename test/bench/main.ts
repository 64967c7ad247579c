import { loadavg } from 'node:os';
import { codeModeCost, type CodeModeCost } from './code-mode.js';
import { openHouse } from './house.js';
import { idleGap } from './idle-gap.js';
import { ingest } from './ingest.js';

// Everything is measured side by side in one run on one machine: the ratios are the result, the seconds only explain them.
const iterations = Number(process.argv[2] ?? 12);
const house = await openHouse({ agent: true });
const codeCosts: CodeModeCost[] = [];
let gap;
try {
  gap = await idleGap(house, iterations);
  codeCosts.push(await codeModeCost(house, iterations, true));
} finally {
  await house.close();
}
const unconfined = await openHouse({ agent: true, hasSandbox: false });
try {
  codeCosts.push(await codeModeCost(unconfined, iterations, false));
} finally {
  await unconfined.close();
}
const second = await openHouse({ agent: false });
let taken;
try {
  taken = await ingest(second);
} finally {
  await second.close();
}
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const codeRow = (cost: CodeModeCost) =>
  `| a job of code mode, ${cost.isSandboxed ? 'in the sandbox' : 'without a sandbox'} (medians of ${cost.n} pairs) | ${seconds(cost.jobMedianMs)} queued to ended | ${seconds(cost.byHandMedianMs)} the same commands by hand | ${percent(cost.ratio)}, ${seconds(cost.differenceMs)} more (p90 ${seconds(cost.differenceP90Ms)}) | at most 0.5 s more |`;
const mega = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB/s`;
process.stdout.write(`
| what | Nightshift | compared with | ratio | goal |
|---|---|---|---|---|
| idle gap between two jobs, model answers in ${gap.modelLatencyMs / 1000} s (median of ${gap.n}) | ${gap.prefetchMedianMs.toFixed(0)} ms with prefetch | ${gap.sequentialMedianMs.toFixed(0)} ms asking, waiting, running | ${percent(gap.ratio)} | at most 5% |
| loop overhead an iteration, no model (median of ${gap.overhead.n}) | ${gap.overhead.medianMs.toFixed(0)} ms, p90 ${gap.overhead.p90Ms.toFixed(0)} ms | 50 ms | ${percent(gap.overhead.medianMs / 50)} | at most 100% |
${codeCosts.map(codeRow).join('\n')}
| log bytes accepted through the protocol | ${mega(taken.logBytesPerSecond)} | ${mega(taken.plainLogBytesPerSecond)} plain 512 KiB inserts | ${percent(taken.logBytesPerSecond / taken.plainLogBytesPerSecond)} | |
| metric points accepted through the protocol | ${taken.metricPointsPerSecond.toFixed(0)}/s | ${taken.plainMetricPointsPerSecond.toFixed(0)}/s plain batched inserts | ${percent(taken.metricPointsPerSecond / taken.plainMetricPointsPerSecond)} | |

load average at the end: ${loadavg()
  .map((load) => load.toFixed(1))
  .join(', ')}
`);
