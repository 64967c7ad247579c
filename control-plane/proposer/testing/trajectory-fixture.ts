import { defaultConfig, parseMenu, type Decision, type Menu, type TrajectoryRecord } from '@nightshift/protocol';
import type { PromptInput } from '../prompt-input.js';

/** A menu like those of the field, with every kind of knob. */
export const MENU: Menu = parseMenu({
  knobs: {
    n_layer: { type: 'int', range: [4, 48], default: 24, doc: 'number of transformer blocks' },
    n_head: { type: 'int', choices: [4, 8, 16, 32], default: 16, doc: 'attention heads' },
    d_model: { type: 'int', choices: [256, 512, 768, 1024, 1536, 2048], default: 1024, doc: 'hidden width' },
    lr: { type: 'float', range: [1e-5, 1e-2], default: 3e-4, doc: 'peak learning rate' },
    weight_decay: { type: 'float', range: [0, 0.5], default: 0 },
    precision: { type: 'str', choices: ['bf16', 'fp8'], default: 'fp8', doc: 'compute precision' },
    tied: { type: 'bool', default: true, doc: 'tie the embeddings' },
  },
  constraints: [{ id: 'head_divides_model', rule: 'd_model % n_head == 0', doc: 'every head gets the same width' }],
});

export function record(iteration: number, fields: Partial<TrajectoryRecord> = {}): TrajectoryRecord {
  const proposal = fields.proposal === undefined ? { knob: 'lr', newValue: 0.001, reason: 'faster' } : fields.proposal;
  return {
    iteration,
    outcome: 'reverted',
    proposer: 'model',
    proposal,
    config: proposal ? { ...defaultConfig(MENU), [proposal.knob]: proposal.newValue } : null,
    values: fields.metric === null || fields.metric === undefined ? [] : [fields.metric],
    metric: null,
    failure: null,
    rail: null,
    blocked: [],
    decision: null,
    wallSeconds: 300,
    modelSeconds: 1.2,
    energyWh: null,
    ...fields,
  };
}

export function decision(outcome: Decision['outcome'], effect: number, fields: Partial<Decision> = {}): Decision {
  return {
    outcome,
    comparator: 'incumbent',
    comparatorMean: 1.02,
    comparatorN: 3,
    candidateMean: 1.02 * (1 - effect),
    candidateN: 1,
    effect,
    standardError: 0.0018,
    noiseSd: 0.0018,
    degreesOfFreedom: 4,
    probability: 0.5,
    reason: `${outcome}: the effect is ${(effect * 100).toFixed(2)}%`,
    ...fields,
  };
}

export function promptInput(fields: Partial<PromptInput> = {}): PromptInput {
  return {
    project: 'night',
    metric: { name: 'val_bpb', goal: 'minimize', bounds: [0, 8] },
    menu: MENU,
    comparator: { which: 'baseline', config: defaultConfig(MENU), value: 1.02, n: 3 },
    baseline: { value: 1.02, n: 3, sd: 0.0018 },
    records: [],
    belief: null,
    notes: null,
    blocked: [],
    budgetTokens: 7168,
    ...fields,
  };
}

/** A long night over MENU: sweeps, keeps, failures of every common cause, and long reasons. Deterministic. */
export function longRun(iterations: number): TrajectoryRecord[] {
  const names = Object.keys(MENU.knobs);
  return Array.from({ length: iterations }, (_, i): TrajectoryRecord => {
    const number = i + 1;
    const name = names[(i * 5) % names.length] as string;
    const knob = MENU.knobs[name];
    const turn = Math.floor(i / names.length);
    const newValue = knob?.choices
      ? (knob.choices[turn % knob.choices.length] as number)
      : knob?.type === 'int'
        ? 4 + (turn % 45)
        : Number((1e-5 * (1 + ((turn * 37) % 997))).toPrecision(4));
    const proposal = { knob: name, newValue, reason: `Try ${name} at ${String(newValue)}. `.repeat(12).trim() };
    if (number % 17 === 0)
      return record(number, { proposal, outcome: 'failed', failure: number % 2 ? 'oom' : 'diverged' });
    if (number % 23 === 0) return record(number, { proposal, outcome: 'blocked', rail: 'repeat', config: null });
    const effect = (((i * 7919) % 1000) / 1000 - 0.8) * 0.03;
    const outcome = effect > 0.0055 ? 'kept' : effect > 0.004 ? 'inconclusive' : 'reverted';
    return record(number, {
      proposal,
      outcome,
      metric: Number((1.02 * (1 - effect)).toFixed(6)),
      decision: decision(outcome === 'kept' ? 'keep' : outcome === 'reverted' ? 'revert' : 'inconclusive', effect),
    });
  });
}
