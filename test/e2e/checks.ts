import { expect } from 'vitest';
import type { IterationSeen } from './client.js';
import { faultsOfRun } from './faults-of-run.js';
import type { World } from './harness.js';
import { readLedger } from './toy.js';

/** An ended run holds every promise about decisions; with a ledger also those about jobs, of which none was tried twice. */
export async function expectSound(world: World, runId: string, ledger?: string): Promise<IterationSeen[]> {
  const { faults, counts } = await faultsOfRun(world, runId, ledger === undefined ? [] : readLedger(ledger));
  const isAbout = (fault: string) => ledger !== undefined || !fault.includes('without having run');
  expect(faults.filter(isAbout)).toEqual([]);
  expect(counts.attempts).toBe(counts.jobs);
  expect(world.jobProcesses(runId)).toEqual([]);
  expect(world.events.faults).toEqual([]);
  expect(world.planes.map((plane) => plane.complaints()).join('')).toBe('');
  return world.client.iterations(runId);
}
