import { openHouse } from './house.js';
import { idleGap } from './idle-gap.js';
import { ingest } from './ingest.js';

// Everything is measured side by side in one run on one machine: the ratios are the result, the seconds only explain them.
const iterations = Number(process.argv[2] ?? 12);
const house = await openHouse({ agent: true });
let gap;
try {
  gap = await idleGap(house, iterations);
} finally {
  await house.close();
}
const second = await openHouse({ agent: false });
let taken;
try {
  taken = await ingest(second);
} finally {
  await second.close();
}
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
const mega = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB/s`;
process.stdout.write(`
| what | Nightshift | compared with | ratio | goal |
|---|---|---|---|---|
| idle gap between two jobs, model answers in ${gap.modelLatencyMs / 1000} s (median of ${gap.n}) | ${gap.prefetchMedianMs.toFixed(0)} ms with prefetch | ${gap.sequentialMedianMs.toFixed(0)} ms asking, waiting, running | ${percent(gap.ratio)} | at most 5% |
| loop overhead an iteration, no model (median of ${gap.overhead.n}) | ${gap.overhead.medianMs.toFixed(0)} ms, p90 ${gap.overhead.p90Ms.toFixed(0)} ms | 50 ms | ${percent(gap.overhead.medianMs / 50)} | at most 100% |
| log bytes accepted through the protocol | ${mega(taken.logBytesPerSecond)} | ${mega(taken.plainLogBytesPerSecond)} plain 512 KiB inserts | ${percent(taken.logBytesPerSecond / taken.plainLogBytesPerSecond)} | |
| metric points accepted through the protocol | ${taken.metricPointsPerSecond.toFixed(0)}/s | ${taken.plainMetricPointsPerSecond.toFixed(0)}/s plain batched inserts | ${percent(taken.metricPointsPerSecond / taken.plainMetricPointsPerSecond)} | |
`);
