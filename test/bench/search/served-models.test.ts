import { gate } from '@nightshift/control-plane/policy/index';
import { proposeWithModel } from '@nightshift/control-plane/proposer/index';
import { seededRandom } from '@nightshift/control-plane/search/random';
import { configKey, type Config, type KnobValue, type TrajectoryRecord } from '@nightshift/protocol';
import { afterEach, expect, test } from 'vitest';
import { startModelServer, type Behaviour, type ModelServer } from '../../model-server/index.js';
import { amnesiacPolicy, sensiblePolicy } from './contenders.js';
import { gptSurrogate } from './objective-gpt.js';
import { prepare } from './objectives.js';
import type { Policy } from './policies.js';
import type { Situation, Step } from './race.js';

const TURNS = 30;
const course = prepare(gptSurrogate);
const measured = (config: Config): number | null => {
  const result = course.measure(config);
  return 'value' in result ? result.value : null;
};
type Pair = { knob: string; value: KnobValue };

let server: ModelServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** What a served model proposes in a run that reverts everything, past prompt, HTTP, parser and gate. Repeats are let through. */
async function served(behaviour: Behaviour): Promise<Pair[]> {
  server = await startModelServer({ behaviour, seed: 3 });
  const records: TrajectoryRecord[] = [];
  const pairs: Pair[] = [];
  const { menu, constraints, base, baseValue, noiseSd } = course;
  for (let iteration = 1; iteration <= TURNS; iteration++) {
    const result = await proposeWithModel({
      spec: {
        baseUrl: server.url,
        name: 'served',
        temperature: 0.7,
        maxTokens: 512,
        contextTokens: 16_384,
        timeoutMs: 5000,
        apiKeyEnv: null,
        inputUsdPerMillion: 0,
        outputUsdPerMillion: 0,
      },
      prompt: {
        project: 'bench',
        metric: { name: 'val_bpb', goal: course.goal, bounds: null },
        menu,
        comparator: { which: 'baseline', config: base, value: baseValue, n: 3 },
        baseline: { value: baseValue, n: 3, sd: noiseSd },
        records,
        belief: null,
        notes: null,
        blocked: [],
      },
      gate: (raw) => gate(raw, { menu, constraints, comparator: base, measured: () => false, repeat: 'replicate' }),
      maxBlocked: 2,
      deadlineMs: 10_000,
      deps: { capabilities: {}, sleep: () => Promise.resolve() },
    });
    if (result.kind !== 'accepted') throw new Error(`turn ${iteration}: ${result.why}: ${result.detail}`);
    const { proposal, config } = result.verdict;
    pairs.push({ knob: proposal.knob, value: proposal.newValue });
    const metric = measured(config);
    records.push({
      iteration,
      outcome: metric === null ? 'failed' : 'reverted',
      proposer: 'model',
      proposal,
      config,
      values: metric === null ? [] : [metric],
      metric,
      failure: metric === null ? 'oom' : null,
      rail: null,
      blocked: [],
      decision: null,
      wallSeconds: 1,
      modelSeconds: 0,
      energyWh: null,
    });
  }
  return pairs;
}

/** The same run with the plain function that the bench uses in the model's place. */
function simulated(policy: Policy): Pair[] {
  const think = policy(course, '3');
  const steps: Step[] = [];
  const tried = new Set([configKey(course.base)]);
  const situation: Situation = {
    course,
    base: course.base,
    incumbent: course.base,
    trials: [],
    steps,
    random: seededRandom('served'),
    noiseSd: course.noiseSd,
    isTried: (config) => tried.has(configKey(config)),
  };
  return Array.from({ length: TURNS }, () => {
    const pair = think(situation);
    const config = { ...course.base, [pair.knob]: pair.value };
    const metric = measured(config);
    tried.add(configKey(config));
    const outcome = metric === null ? 'failed' : 'reverted';
    steps.push({ ...pair, by: 'model', config, metric, outcome, gain: 0, measurements: 1, isRepeat: false });
    return pair;
  });
}

const shareOf = (pairs: Pair[], knobs: string[]) =>
  pairs.filter(({ knob }) => knobs.includes(knob)).length / pairs.length;
const distinct = (pairs: Pair[]) => new Set(pairs.map((pair) => JSON.stringify(pair))).size;
const knobsOf = (pairs: Pair[]) => new Set(pairs.map(({ knob }) => knob)).size;

test('the amnesiac of the bench and the one behind HTTP both come back to width and heads', async () => {
  for (const pairs of [simulated(amnesiacPolicy), await served('amnesiac')]) {
    expect(shareOf(pairs, ['d_model', 'n_head'])).toBeGreaterThan(0.6);
    expect(distinct(pairs)).toBeLessThan(20);
    expect(knobsOf(pairs)).toBeLessThan(8);
  }
});

test('the sensible model of the bench and the one behind HTTP never repeat themselves and look at most knobs', async () => {
  for (const pairs of [simulated(sensiblePolicy), await served('well-behaved')]) {
    expect(distinct(pairs)).toBe(TURNS);
    expect(knobsOf(pairs)).toBeGreaterThan(7);
  }
});
