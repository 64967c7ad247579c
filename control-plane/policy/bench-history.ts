import { CANDIDATE_REASONS, configKey, knobValueProblem } from '@nightshift/protocol';
import type { Config, Menu, Trajectory, TrajectoryRecord } from '@nightshift/protocol';

/**
 * What a history says was measured: canonical configuration to a description. A record without a configuration is taken as its
 * one change made to `baseline`. Blocked proposals and failures of the infrastructure are no measurements.
 */
export function measuredConfigs(history: Trajectory, menu: Menu, baseline: Config): Map<string, string> {
  const measured = new Map<string, string>();
  for (const record of history.records) {
    if (!isEvidence(record)) continue;
    const config = configOf(record, menu, baseline);
    if (config === null) continue;
    const result =
      record.metric === null ? (record.failure ?? record.outcome) : `${record.outcome} at ${record.metric}`;
    measured.set(configKey(config), `iteration ${record.iteration}: ${result}`);
  }
  return measured;
}

/** A configuration from elsewhere brought to this menu: its own knobs only, and the base's value where it has no legal one. */
export function projectConfig(config: Config, menu: Menu, base: Config): Config {
  const projected: Config = {};
  for (const [name, knob] of Object.entries(menu.knobs)) {
    const value = Object.hasOwn(config, name) ? config[name] : undefined;
    const chosen = value !== undefined && knobValueProblem(knob, value) === null ? value : base[name];
    if (chosen !== undefined) projected[name] = chosen;
  }
  return projected;
}

function isEvidence(record: TrajectoryRecord): boolean {
  if (record.metric !== null || record.values.length > 0) return true;
  return record.outcome === 'failed' && (CANDIDATE_REASONS as readonly (string | null)[]).includes(record.failure);
}

function configOf(record: TrajectoryRecord, menu: Menu, baseline: Config): Config | null {
  if (record.config !== null) return projectConfig(record.config, menu, baseline);
  if (record.proposal === null || !Object.hasOwn(menu.knobs, record.proposal.knob)) return null;
  return { ...baseline, [record.proposal.knob]: record.proposal.newValue };
}
