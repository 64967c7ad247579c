import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ExitRecord } from '@nightshift/protocol';
import { sweep } from '../process/sweep.js';
import { Attempt } from './attempt.js';
import { writeAtomic } from './atomic.js';
import { signExit } from './exit-proof.js';
import { cutJsonTail, cutNulTail } from './cut-tail.js';
import { removeTemporaries } from './temporary-name.js';

/**
 * Writes the account of a job whose runner is gone without one: whatever still runs of it is ended first, torn ends of
 * its files are cut, and the evidence (who ran it, since when, what was cut) stands in the detail.
 */
export async function declareLost(attempt: Attempt, why: string): Promise<void> {
  const { dir, spec, claim } = attempt;
  const swept = await sweep({ attemptId: spec.attemptId, sessions: new Set(), known: new Map(), sinceTicks: 0 });
  const cut = { log: cutNulTail(dir.log), metrics: cutJsonTail(dir.metrics), phases: cutJsonTail(dir.phases) };
  const cutBytes = cut.log + cut.metrics + cut.phases;
  rmSync(dir.reserve, { force: true });
  await removeTemporaries(spec.attemptId);
  const fresh = new Attempt(dirname(dirname(dir.path)), spec);
  fresh.refresh();
  const now = new Date().toISOString();
  const record: ExitRecord = {
    reason: 'box_lost',
    detail: [
      why,
      claim ? `its runner was process ${claim.pid}` : 'no runner had claimed it',
      swept.killed > 0 ? `${swept.killed} of its processes were still running and were ended` : '',
      cutBytes > 0 ? `${cutBytes} bytes that a crash had torn were cut` : '',
    ]
      .filter((part) => part !== '')
      .join('; '),
    exitCode: null,
    signal: null,
    metric: null,
    phases: [],
    startedAt: fresh.phases[0]?.at ?? now,
    endedAt: now,
    logBytes: fresh.logBytes,
    logBytesDropped: 0,
    metricCount: fresh.metricCount,
    leftPids: swept.left.map((row) => row.pid).slice(0, 1000),
    killedDescendants: swept.killed,
    energyWh: null,
    peakMemoryBytes: null,
    fingerprint: {},
  };
  // The runner may have ended in this very moment, with its account written: that one stands. Anything else in its place is no account.
  fresh.refresh();
  if (fresh.exit) return;
  rmSync(dir.exit, { recursive: true, force: true });
  writeAtomic(dir.exit, signExit(record, attempt.proofKey));
}
