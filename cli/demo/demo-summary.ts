import { readTrajectory, analyze, type Analysis } from '@nightshift/control-plane/trajectory/index';
import { formatDuration, type Trajectory } from '@nightshift/protocol';
import { dataOf, type Api, type Run } from '../client.js';
import { listAll } from '../list-all.js';

/** What `demo --json` prints. Seconds carry their unit in the name; unknown figures are null. */
export interface DemoSummary {
  /** Null with `--once`: nothing answers there any more. */
  url: string | null;
  run: string;
  project: string;
  state: Run['state'];
  endReason: string | null;
  metric: Run['metric'];
  iterations: number;
  evaluated: number;
  kept: number;
  reverted: number;
  inconclusive: number;
  blocked: number;
  failed: number;
  baseline: number | null;
  best: number | null;
  improvement: number | null;
  repeats: number | null;
  jobs: number;
  trainingSeconds: number;
  runSeconds: number;
  wallSeconds: number;
  analysis: Analysis;
}

export async function summarise(
  api: Api,
  run: Run,
  about: { url: string | null; wallSeconds: number },
): Promise<{ summary: DemoSummary; trajectory: Trajectory }> {
  const query = { format: 'jsonl' } as const;
  const path = { id: run.id };
  const trajectory = readTrajectory(
    await dataOf(api.GET('/v1/runs/{id}/export', { params: { path, query }, parseAs: 'text' })),
  );
  const analysis = analyze(trajectory);
  const jobs = await listAll((page) => dataOf(api.GET('/v1/jobs', { params: { query: { run: run.id, ...page } } })));
  const trainingSeconds = jobs.reduce((sum, job) => sum + secondsBetween(job.startedAt, job.endedAt), 0);
  const { iterations, evaluated, kept, reverted, inconclusive, blocked, failed, keeps } = analysis;
  return {
    trajectory,
    summary: {
      url: about.url,
      run: run.id,
      project: run.project,
      state: run.state,
      endReason: run.endReason,
      metric: run.metric,
      iterations,
      evaluated,
      kept,
      reverted,
      inconclusive,
      blocked,
      failed,
      baseline: analysis.baseline.value,
      best: keeps.best?.metric ?? null,
      improvement: keeps.best?.improvement ?? null,
      repeats: analysis.pairs.repeats,
      jobs: jobs.length,
      trainingSeconds: tenths(trainingSeconds),
      runSeconds: tenths(secondsBetween(run.startedAt, run.endedAt)),
      wallSeconds: tenths(about.wallSeconds),
      analysis,
    },
  };
}

/** Where the time went, in one line. */
export function timeText({ jobs, trainingSeconds, wallSeconds }: DemoSummary): string {
  const share = wallSeconds === 0 ? 0 : Math.round((trainingSeconds / wallSeconds) * 100);
  return `${formatDuration(wallSeconds * 1000)} in all; ${jobs} jobs on the box took ${formatDuration(trainingSeconds * 1000)} (${share}%)`;
}

function secondsBetween(from: string | null, to: string | null): number {
  return from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / 1000;
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
