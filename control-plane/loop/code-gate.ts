import { codeKeyOf, type EarlierSession, type Spec } from '@nightshift/protocol';
import { findCodeState, findEarlierSession, listTriedConfigs, type Queryable, type RunRow } from '@nightshift/db';
import { gateCode, type CodeContext, type CodeVerdict } from '../policy/code/index.js';
import { PATCH_KNOB } from '../trajectory/index.js';
import type { Comparator } from './comparator.js';
import { measuredKeys } from './measured-keys.js';

/** The name under which a patch stands in the ledger beside knobs: no knob can have it. */
export const PATCH = PATCH_KNOB;

/** Variables of the runner that no patch may set or read around. */
const SEED_NAMES = ['NIGHTSHIFT_SEED', 'SEED'];
const CLOCK_NAMES = ['NIGHTSHIFT_BUDGET_SECONDS', 'TIME_BUDGET'];

/** What a patch is judged against: the comparator's editable files, and every code state that was tried with its configuration. */
export async function codeContextOf(
  q: Queryable,
  run: RunRow,
  comparator: Comparator,
  exceptIterationId?: string,
): Promise<CodeContext> {
  const edit = run.spec.edit as NonNullable<Spec['edit']>;
  const key = comparator.codeKey ?? run.baselineCodeKey;
  const files = key === null ? undefined : await findCodeState(q, key);
  if (!files) throw new Error(`the editable files of run ${run.id} are not known yet`);
  const config = comparator.key.split('@')[0] as string;
  const tried = await listTriedConfigs(q, run.id, exceptIterationId);
  // The source's own code is tried, too: it is the baseline.
  const measured = new Set(
    [...measuredKeys(tried)]
      .filter((measuredKey) => measuredKey.split('@')[0] === config)
      .map((measuredKey) => codeKeyOf(measuredKey) ?? run.baselineCodeKey),
  );
  // Nothing of an earlier session is a measurement of ours: its code may be measured here, unless the spec rejects what was tried.
  const asksEarlier = run.earlierFigures !== null && run.spec.policy.repeat === 'reject';
  const earlier = asksEarlier ? await findEarlierSession(q, run.id) : null;
  return {
    files,
    editable: edit.files,
    maxChangedLines: edit.maxChangedLines,
    allow: edit.allow,
    sealed: {
      metricName: run.spec.metric.name,
      sealedFiles: edit.sealed,
      seedNames: SEED_NAMES,
      clockNames: CLOCK_NAMES,
    },
    measured: (hash) => measured.has(hash) || triedEarlier(earlier, hash),
    repeat: run.spec.policy.repeat,
  };
}

function triedEarlier(earlier: EarlierSession | null, hash: string): false | { description: string } {
  const row = earlier?.rows.findLast(({ codeKey }) => codeKey === hash);
  if (!earlier || !row) return false;
  const figure = row.metric === null ? 'it crashed' : `${earlier.metric.name} ${row.metric}, ${row.outcome}`;
  return { description: `in the session before this run, ${earlier.name} line ${row.line}: ${figure}` };
}

/** The code key under which a state of the editable files is measured: null for the source's own, which needs no overlay. */
export function codeKeyFor(run: RunRow, treeHash: string): string | null {
  return treeHash === run.baselineCodeKey ? codeKeyOf(run.baselineKey) : treeHash;
}

/** Puts a patch that was made for other files on these: its diff is applied where its context still stands. */
export function rebasePatch(
  diff: string,
  words: { summary: string; reason: string },
  context: CodeContext,
): CodeVerdict {
  return gateCode(`SUMMARY: ${words.summary}\nREASON: ${words.reason}\n\n${diff}`, context);
}
