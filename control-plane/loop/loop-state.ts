import {
  countIterations,
  listActiveJobs,
  listBaselineJobs,
  listJobsOfIterations,
  listMeasuredOutcomes,
  listMeasurements,
  listOpenIterations,
  sumModelCostUsd,
  sumRunEnergyWh,
  databaseNow,
  type IterationRow,
  type JobRow,
  type RunRow,
  type Tx,
} from '@nightshift/db';
import { meanOf } from '../trajectory/measurements.js';

/** The rows that say what a run's next step is. */
export interface LoopState {
  run: RunRow;
  /** The database's clock, so that replicas agree. */
  now: Date;
  baselineJobs: JobRow[];
  open: IterationRow[];
  openJobs: JobRow[];
  /** Measurements of the incumbent that belong to no iteration and have not ended. */
  audits: JobRow[];
  /** Iterations so far that were not cancelled. */
  iterations: number;
  /** Figures that stop conditions ask for; null when the spec has no such condition. */
  figures: {
    incumbentMean: number | null;
    measuredSinceKeep: number | null;
    energyKwh: number | null;
    modelCostUsd: number | null;
  };
}

/** Reads a locked run's state. Work is constant but for the figures that the spec's stop conditions ask for. */
export async function loadLoopState(tx: Tx, run: RunRow): Promise<LoopState> {
  const { stop } = run.spec;
  const open = await listOpenIterations(tx, run.id);
  const openJobs = await listJobsOfIterations(
    tx,
    open.map((iteration) => iteration.id),
  );
  let incumbentMean: number | null = null;
  if (stop.target !== null) {
    const values = (await listMeasurements(tx, run.id))
      .filter((m) => m.configKey === run.incumbentKey)
      .map((m) => m.metric);
    incumbentMean = meanOf(values);
  }
  let measuredSinceKeep: number | null = null;
  if (stop.plateau !== null) {
    const outcomes = await listMeasuredOutcomes(tx, run.id, stop.plateau);
    const keep = outcomes.indexOf('kept');
    measuredSinceKeep = keep === -1 ? outcomes.length : keep;
  }
  const energyWh = stop.energyKwh === null ? null : await sumRunEnergyWh(tx, run.id);
  const modelCostUsd = stop.modelCostUsd === null ? null : await sumModelCostUsd(tx, run.id);
  return {
    run,
    now: await databaseNow(tx),
    baselineJobs: await listBaselineJobs(tx, run.id),
    open,
    openJobs,
    audits: (await listActiveJobs(tx, [run.id])).filter((job) => job.role === 'audit' && job.iterationId === null),
    iterations: await countIterations(tx, run.id),
    figures: { incumbentMean, measuredSinceKeep, energyKwh: energyWh === null ? null : energyWh / 1000, modelCostUsd },
  };
}
