import { codeKeyOf, type Config } from '@nightshift/protocol';
import type { RunRow } from '@nightshift/db';

export interface Comparator {
  which: 'incumbent' | 'baseline';
  config: Config;
  /** The measure key: configuration, and code when it is not the source's own. */
  key: string;
  /** Null: the editable files as the source has them. */
  codeKey: string | null;
}

/** What a candidate is compared with: the incumbent, or always the baseline, as the spec says. What it changes may be the front. */
export function comparatorOf(run: RunRow): Comparator {
  return run.spec.decision.compare === 'baseline'
    ? { which: 'baseline', config: run.baselineConfig, key: run.baselineKey, codeKey: codeKeyOf(run.baselineKey) }
    : { which: 'incumbent', config: run.incumbentConfig, key: run.incumbentKey, codeKey: codeKeyOf(run.incumbentKey) };
}
