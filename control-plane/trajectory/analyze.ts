import { type Trajectory } from '@nightshift/protocol';
import type { Analysis } from './analysis.js';
import { costOf } from './cost.js';
import { coverageOf } from './coverage.js';
import { criticOf } from './critic.js';
import { earlierFigures } from './earlier-figures.js';
import { guardReverts } from './guards.js';
import { healthEvidence, judgeHealth, type Health } from './health.js';
import { keepsOf } from './keeps.js';
import { isEvaluated, PATCH_KNOB } from './measurements.js';
import { noiseOf } from './noise.js';
import { pairsOf } from './pairs.js';
import { plateauOf } from './plateau.js';
import { confirmedOf, replicatedOf } from './replicated.js';
import { screeningFigures } from './screening-figures.js';

/** Bits that name one byte when every byte is guessed alike. */
const BITS_OF_A_GUESS = 8;

/** Every figure of a trajectory, from whatever source, in the form of `nightshift analyze --json`. */
export function analyze(trajectory: Trajectory): Analysis {
  const { records, baseline } = trajectory;
  const count = (outcome: string) => records.filter((record) => record.outcome === outcome).length;
  const noise = noiseOf(trajectory);
  return {
    iterations: records.length,
    evaluated: records.filter(isEvaluated).length,
    kept: count('kept'),
    reverted: count('reverted'),
    inconclusive: count('inconclusive'),
    blocked: count('blocked'),
    failed: count('failed'),
    screenedOut: count('screened_out'),
    baseline: { value: baseline.value, n: baseline.values.filter(Number.isFinite).length },
    knobs: coverageOf(trajectory),
    pairs: pairsOf(trajectory),
    keeps: keepsOf(trajectory),
    plateau: plateauOf(trajectory),
    noise,
    guards: guardReverts(trajectory),
    replicated: replicatedOf(trajectory, noise.sd),
    confirmed: confirmedOf(trajectory),
    critic: criticOf(trajectory),
    cost: costOf(trajectory),
    health: healthOf(trajectory),
    measurement: trajectory.measurement ?? null,
    earlier: trajectory.earlier ? earlierFigures(trajectory.earlier) : null,
    screening: screeningFigures(trajectory),
    warnings: [...trajectory.warnings, ...warningsOf(trajectory)],
  };
}

// A run whose baseline failed has no iteration to judge, and is over: it explores nothing.
function healthOf(trajectory: Trajectory): Health {
  const { failed } = trajectory;
  if (failed && !trajectory.records.some(isEvaluated))
    return { verdict: 'blind', reasons: [`the run failed: ${failed}`] };
  return judgeHealth(healthEvidence(trajectory));
}

function warningsOf(trajectory: Trajectory): string[] {
  const { records, menu, metric, baseline } = trajectory;
  const warnings: string[] = [];
  const evaluated = records.filter(isEvaluated);
  if (/bpb|bits?_?per_?byte/i.test(metric.name)) {
    const tooHigh = evaluated.filter((record) => record.metric > BITS_OF_A_GUESS);
    const isBaselineTooHigh = baseline.value !== null && baseline.value > BITS_OF_A_GUESS;
    if (isBaselineTooHigh || tooHigh.length > 0)
      warnings.push(
        `${metric.name} is above ${BITS_OF_A_GUESS} bits per byte, worse than guessing every byte, ` +
          `${isBaselineTooHigh ? `at the baseline (${baseline.value}) and ` : ''}in ${tooHigh.length} of ${evaluated.length} evaluated iterations: ` +
          'it may be another unit under that name (bits or nats a token, say)',
      );
  }
  if (records.length > 0 && baseline.value === null)
    warnings.push('the baseline is not known: improvements cannot be given');
  if (menu === null && records.some(({ proposal }) => proposal !== null && proposal.knob !== PATCH_KNOB))
    warnings.push('no menu: how many knobs were never touched cannot be told (give one with --menu)');
  if (menu !== null) {
    const unknown = new Set<string>();
    for (const { proposal } of records)
      if (proposal !== null && !Object.hasOwn(menu.knobs, proposal.knob)) unknown.add(proposal.knob);
    if (unknown.size > 0) warnings.push(`not on the menu, yet proposed: ${[...unknown].slice(0, 10).join(', ')}`);
  }
  const withEnergy = records.filter((record) => record.energyWh !== null).length;
  if (withEnergy > 0 && withEnergy < records.length)
    warnings.push(`energy is known for ${withEnergy} of ${records.length} iterations only: the total is too low`);
  return warnings;
}
