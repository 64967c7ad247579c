import { setTimeout as pause } from 'node:timers/promises';
import { openDatabase } from '@nightshift/db';
import { faultsOfRun, type Counts } from '../e2e/faults-of-run.js';
import { startWorld, type World } from '../e2e/harness.js';
import { readLedger, toySpec } from '../e2e/toy.js';
import { between, chooseFault, FAULTS, seeded } from './faults.js';

export interface ChaosOptions {
  databaseUrl: string;
  cycles: number;
  seed: number;
  /** Nobody else uses this Postgres server: its backends may be killed outright. */
  isServerOwn: boolean;
  say?: (line: string) => void;
}
export interface ChaosReport {
  seconds: number;
  /** How often each fault struck. */
  struck: Record<string, number>;
  runs: number;
  counts: Counts;
  /** Attempts that ended for reasons of the infrastructure or were taken away: none of them counts. */
  uncounted: number;
  eventReconnects: number;
  boxConnections: number;
  /** Messages of the control planes at level error, and how often: connections that were killed under a query. */
  complaints: Record<string, number>;
  /** What did not hold. Empty is what this suite is for. */
  problems: string[];
}

/** Each run is short, so that runs begin and end under fire as well. */
const ITERATIONS = 8;
const CALM_MS = 180_000;

/** Runs real work on two boxes while faults strike, lets it end in peace, and looks for anything lost, doubled or left. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { cycles, isServerOwn, say = () => undefined } = options;
  const begun = performance.now();
  const random = seeded(options.seed);
  const database = await openDatabase({ url: options.databaseUrl, max: 2 });
  const world = await startWorld(options.databaseUrl, { boxes: [{}, {}], isPatient: true });
  const report: ChaosReport = {
    seconds: 0,
    struck: {},
    runs: 0,
    counts: { iterations: 0, decisions: 0, jobs: 0, attempts: 0, logBytes: 0, points: 0 },
    uncounted: 0,
    eventReconnects: 0,
    boxConnections: 0,
    complaints: {},
    problems: [],
  };
  try {
    const ledger = `${world.dir}/ledger`;
    const env = world.jobEnv({
      TOY_LEDGER: ledger,
      TOY_BYTES: '160000',
      TOY_PARTS: '4',
      TOY_POINTS: '300',
      TOY_MS: '200',
      TOY_TAIL: '65536',
    });
    const runs: string[] = [];
    const startRun = async () => {
      const name = `chaos-${runs.length % 3}`;
      const seed = Math.floor(random() * 1e6);
      const proposer = { kind: 'random' as const };
      const spec = toySpec({ name, iterations: ITERATIONS, parallel: 2, baselineReplicates: 2, env, proposer, seed });
      runs.push((await world.client.createRun(spec)).id);
    };
    await startRun();
    for (let cycle = 1; cycle <= cycles; cycle++) {
      const name = chooseFault(random, isServerOwn);
      await pause(between(random, 50, 500));
      await FAULTS[name]?.strike({ world, database, isServerOwn, random });
      report.struck[name] = (report.struck[name] ?? 0) + 1;
      if ((await world.client.run(runs.at(-1) as string)).endedAt) await startRun();
      if (cycle % 20 === 0) say(`${cycle} of ${cycles} faults, ${runs.length} runs, ${readLedger(ledger).length} jobs`);
    }
    await calmDown(world, runs, report);
    const lines = readLedger(ledger);
    for (const run of runs) {
      const { faults, counts } = await faultsOfRun(world, run, lines);
      report.problems.push(...faults.map((fault) => `${run}: ${fault}`));
      for (const key of Object.keys(counts) as (keyof Counts)[]) report.counts[key] += counts[key];
    }
    report.runs = runs.length;
    const known = (await world.client.json<{ items: { id: string }[] }>('GET', '/v1/runs?limit=100')).items;
    for (const { id } of known)
      if (!runs.includes(id)) report.problems.push(`run ${id} was made by a request that was repeated`);
    report.uncounted = report.counts.attempts - report.counts.jobs;
    report.eventReconnects = world.events.reconnects;
    report.boxConnections = world.boxes.reduce((sum, { network }) => sum + network.connections, 0);
    report.problems.push(...world.events.faults);
    for (const pid of world.jobProcesses()) report.problems.push(`process ${pid} of a job is left`);
    for (const line of world.planes.flatMap((plane) => plane.complaints().split('\n'))) {
      if (line === '') continue;
      const told = /^\{"level":"(?:warn|error)","message":"([^"]*)"/.exec(line)?.[1];
      if (told === undefined) report.problems.push(`a control plane said: ${line.slice(0, 300)}`);
      else report.complaints[told] = (report.complaints[told] ?? 0) + 1;
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    const complaints = [...world.planes, ...world.boxes].map((one) => one.complaints().slice(-2000)).join('\n');
    report.problems.push(`the suite could not go on: ${detail}\n${complaints}`);
  } finally {
    await world.stop().catch((error: unknown) => report.problems.push(String(error)));
    await database.close();
  }
  report.seconds = Math.round((performance.now() - begun) / 100) / 10;
  return report;
}

// No fault strikes any more: every run comes to its end, and every box is released from every job.
async function calmDown(world: World, runs: string[], report: ChaosReport): Promise<void> {
  const boxes = await world.client.json<{ items: { id: string; name: string; isCordoned: boolean }[] }>(
    'GET',
    '/v1/boxes',
  );
  for (const box of boxes.items) if (box.isCordoned) await world.client.json('POST', `/v1/boxes/${box.id}/uncordon`);
  for (const run of runs) await world.events.ended(run, CALM_MS);
  for (const run of runs) {
    const { state, endReason, endDetail } = await world.client.run(run);
    if (state !== 'completed') report.problems.push(`${run} is ${state}: ${endReason} (${endDetail})`);
  }
  const until = Date.now() + 30_000;
  while (world.boxes.some((box) => box.jobDirectories().length > 0) && Date.now() < until) await pause(50);
  for (const box of world.boxes)
    for (const name of box.jobDirectories()) report.problems.push(`${box.name} was not released from ${name}`);
}
