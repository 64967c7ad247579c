import { listEarlierAttempts, readCurves, type BoxRow, type Curve, type RunRow, type Tx } from '@nightshift/db';
import type { EarlierCurve } from '../decision/early-stop.js';
import { boxFingerprint } from './fingerprint.js';

/** Curves that are remembered: what has ended never changes, and reading forty long ones takes a tenth of a second. */
const MAX_REMEMBERED = 500;
const remembered = new Map<string, Curve>();

/** The curves of a run's measurements that may be compared with what runs on a box now. */
export async function earlierCurves(tx: Tx, run: RunRow, box: BoxRow, metric: string): Promise<EarlierCurve[]> {
  const attempts = await listEarlierAttempts(tx, run.id, { boxId: box.id, boxPart: `${boxFingerprint(box)}-` });
  const keyOf = (attemptId: string) => `${attemptId} ${metric}`;
  const missing = attempts.filter(({ attemptId }) => !remembered.has(keyOf(attemptId)));
  const read = await readCurves(tx, missing, metric);
  for (const { attemptId } of missing) remembered.set(keyOf(attemptId), read.get(attemptId) ?? []);
  const curves = attempts.map(({ attemptId, configKey, isKept }) => ({
    configKey,
    isKept,
    points: remembered.get(keyOf(attemptId)) ?? [],
  }));
  for (const key of remembered.keys()) {
    if (remembered.size <= MAX_REMEMBERED) break;
    remembered.delete(key);
  }
  return curves;
}
