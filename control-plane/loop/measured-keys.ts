import type { TriedConfig } from '@nightshift/db';

/**
 * What the repeat rail turns away: everything that was tried, but for what was given up at the cheap budget. That was never
 * measured, and whoever asks for it again gets it measured in full.
 */
export function measuredKeys(tried: readonly TriedConfig[]): Set<string> {
  return new Set(tried.filter((row) => row.state !== 'screened_out').map((row) => row.configKey));
}
