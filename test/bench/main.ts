import { loadavg } from 'node:os';
import { codeModeCost, type CodeModeCost } from './code-mode.js';
import { openHouse, type House } from './house.js';
import { idleGap } from './idle-gap.js';
import { ingest } from './ingest.js';

// Everything is measured side by side in one run on one machine: the ratios are the result, the seconds only explain them.
// node test/dist/bench/main.js [ITERATIONS] [gap|code|ingest]: all parts, or one.
const iterations = Number(process.argv[2] ?? 12);
const only = process.argv[3];
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;
const mega = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB/s`;

async function inHouse(
  options: Parameters<typeof openHouse>[0],
  measure: (house: House) => Promise<string[]>,
): Promise<string[]> {
  const house = await openHouse(options);
  try {
    return await measure(house);
  } finally {
    await house.close();
  }
}

async function gapRows(house: House): Promise<string[]> {
  const gap = await idleGap(house, iterations);
  return [
    `| idle gap between two jobs, model answers in ${gap.modelLatencyMs / 1000} s (median of ${gap.n}) | ${gap.prefetchMedianMs.toFixed(0)} ms with prefetch | ${gap.sequentialMedianMs.toFixed(0)} ms asking, waiting, running | ${percent(gap.ratio)} | at most 5% |`,
    `| loop overhead an iteration, no model (median of ${gap.overhead.n}) | ${gap.overhead.medianMs.toFixed(0)} ms, p90 ${gap.overhead.p90Ms.toFixed(0)} ms | 50 ms | ${percent(gap.overhead.medianMs / 50)} | at most 100% |`,
  ];
}

function codeRow(cost: CodeModeCost): string {
  const where = cost.isSandboxed ? 'in the sandbox' : 'without a sandbox';
  return `| a job of code mode, ${where} (medians of ${cost.n} pairs) | ${seconds(cost.jobMedianMs)} queued to ended | ${seconds(cost.byHandMedianMs)} the same commands by hand | ${percent(cost.ratio)}, ${seconds(cost.differenceMs)} more (p90 ${seconds(cost.differenceP90Ms)}) | at most 0.5 s more |`;
}

async function ingestRows(house: House): Promise<string[]> {
  const taken = await ingest(house);
  return [
    `| log bytes accepted through the protocol | ${mega(taken.logBytesPerSecond)} | ${mega(taken.plainLogBytesPerSecond)} plain 512 KiB inserts | ${percent(taken.logBytesPerSecond / taken.plainLogBytesPerSecond)} | |`,
    `| metric points accepted through the protocol | ${taken.metricPointsPerSecond.toFixed(0)}/s | ${taken.plainMetricPointsPerSecond.toFixed(0)}/s plain batched inserts | ${percent(taken.metricPointsPerSecond / taken.plainMetricPointsPerSecond)} | |`,
  ];
}

const loads = [loadavg()[0]?.toFixed(1)];
const rows: string[] = [];
if (only === undefined || only === 'gap') rows.push(...(await inHouse({ agent: true }, gapRows)));
if (only === undefined || only === 'code')
  for (const hasSandbox of [true, false])
    rows.push(
      ...(await inHouse({ agent: true, hasSandbox }, async (house) => [
        codeRow(await codeModeCost(house, iterations, hasSandbox)),
      ])),
    );
if (only === undefined || only === 'ingest') rows.push(...(await inHouse({ agent: false }, ingestRows)));
loads.push(loadavg()[0]?.toFixed(1));
process.stdout.write(`
| what | Nightshift | compared with | ratio | goal |
|---|---|---|---|---|
${rows.join('\n')}

load average (one minute): ${loads.join(' at the start, ')} at the end
`);
