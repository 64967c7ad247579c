import { gate } from '@nightshift/control-plane/policy/index';
import {
  CLOSED_BREAKER,
  promptBudget,
  proposeWithModel,
  type BreakerState,
  type ModelCallRecord,
  type ProposeOptions,
  type ProposeResult,
} from '@nightshift/control-plane/proposer/index';
import {
  compileConstraints,
  configKey,
  defaultConfig,
  parseMenu,
  type ModelSpec,
  type TrajectoryRecord,
} from '@nightshift/protocol';
import { afterEach, expect, test } from 'vitest';
import { startModelServer, type Behaviour, type ModelServer } from './index.js';

const MENU = parseMenu({
  knobs: {
    n_layer: { type: 'int', range: [4, 48], default: 24, doc: 'blocks' },
    n_head: { type: 'int', choices: [4, 8, 16, 32], default: 16 },
    d_model: { type: 'int', choices: [256, 512, 768, 1024, 1536, 2048], default: 1024 },
    lr: { type: 'float', range: [1e-5, 1e-2], default: 3e-4 },
    beta2: { type: 'float', range: [0.8, 0.9999], default: 0.95 },
    precision: { type: 'str', choices: ['bf16', 'fp8'], default: 'fp8' },
    tied: { type: 'bool', default: true },
  },
  constraints: [{ id: 'head_divides_model', rule: 'd_model % n_head == 0' }],
});
const CONSTRAINTS = compileConstraints(MENU);

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
async function serve(behaviour: Behaviour, seed = 1): Promise<ModelServer> {
  const server = await startModelServer({ behaviour, seed });
  closers.push(() => server.close());
  return server;
}

interface Turn {
  records?: TrajectoryRecord[];
  maxBlocked?: number;
  deadlineMs?: number;
  breaker?: BreakerState;
  spec?: Partial<ModelSpec>;
  record?: ProposeOptions['record'];
  wallNow?: () => number;
}

/** One turn of the model at `url` on a run with these records, past the real gate. */
function turn(url: string, options: Turn = {}): Promise<ProposeResult> {
  const records = options.records ?? [];
  const comparator = defaultConfig(MENU);
  const measured = new Set(records.flatMap((r) => (r.config && r.outcome !== 'blocked' ? [configKey(r.config)] : [])));
  const spec: ModelSpec = {
    baseUrl: url,
    name: 'test-model',
    temperature: 0.7,
    maxTokens: 512,
    contextTokens: 8192,
    timeoutMs: 2000,
    apiKeyEnv: null,
    inputUsdPerMillion: 1,
    outputUsdPerMillion: 2,
    ...options.spec,
  };
  return proposeWithModel({
    spec,
    prompt: {
      project: 'night',
      metric: { name: 'val_bpb', goal: 'minimize', bounds: null },
      menu: MENU,
      comparator: { which: 'baseline', config: comparator, value: 1.02, n: 3 },
      baseline: { value: 1.02, n: 3, sd: 0.002 },
      records,
      belief: null,
      notes: null,
      blocked: [],
    },
    gate: (raw) =>
      gate(raw, {
        menu: MENU,
        constraints: CONSTRAINTS,
        comparator,
        measured: (key) => measured.has(key),
        repeat: 'reject',
      }),
    maxBlocked: options.maxBlocked ?? 2,
    deadlineMs: options.deadlineMs ?? 10_000,
    ...(options.breaker ? { breaker: options.breaker } : {}),
    ...(options.record ? { record: options.record } : {}),
    deps: {
      capabilities: {},
      sleep: () => Promise.resolve(),
      ...(options.wallNow ? { wallNow: options.wallNow } : {}),
    },
  });
}

function measuredRecord(iteration: number, result: ProposeResult): TrajectoryRecord {
  if (result.kind !== 'accepted') throw new Error(`iteration ${iteration} fell back: ${result.why}: ${result.detail}`);
  const metric = 1.02 + ((iteration * 7) % 10) / 1000 - 0.004;
  return {
    iteration,
    outcome: 'reverted',
    proposer: 'model',
    proposal: result.verdict.proposal,
    config: result.verdict.config,
    values: [metric],
    metric,
    failure: null,
    rail: null,
    blocked: result.blocked,
    decision: null,
    wallSeconds: 1,
    modelSeconds: 0.1,
    energyWh: null,
  };
}

test.each([
  'well-behaved',
  'fenced',
  'think',
  'reasoning',
  'no-stream',
  'no-json-schema',
  'guided-only',
  'completion-tokens',
  'empty-with-schema',
] as const)('a model that is %s is accepted at the first try', async (behaviour) => {
  const result = await turn((await serve(behaviour)).url);
  expect(result).toMatchObject({
    kind: 'accepted',
    blocked: [],
    calls: [{ outcome: 'accepted', try: 1 }],
    breaker: CLOSED_BREAKER,
  });
});

test('thirty iterations with a sensible model: no repeat, every answer legal, every knob touched', async () => {
  const server = await serve('well-behaved');
  const records: TrajectoryRecord[] = [];
  for (let i = 1; i <= 30; i++) {
    const result = await turn(server.url, { records });
    expect(result.calls).toHaveLength(1);
    records.push(measuredRecord(i, result));
  }
  expect(new Set(records.map((r) => configKey(r.config ?? {}))).size).toBe(30);
  expect(new Set(records.slice(0, 7).map((r) => r.proposal?.knob)).size).toBe(7);
});

test('everything sent and everything said is in the record of its call, before the next call is made', async () => {
  const server = await serve('prose');
  const seen: { call: ModelCallRecord; served: number }[] = [];
  const result = await turn(server.url, {
    maxBlocked: 3,
    record: (call) => {
      seen.push({ call: structuredClone(call), served: server.calls.length });
    },
  });
  expect(seen.map(({ served }) => served)).toEqual([1, 2, 3]);
  expect(seen.map(({ call }) => call)).toEqual(result.calls);
  const [first] = result.calls;
  expect(first).toMatchObject({
    outcome: 'unreadable',
    rail: 'schema',
    answer: server.calls[0]?.said?.content,
    messages: server.calls[0]?.body.messages,
    mode: 'json_schema',
    finishReason: 'stop',
  });
  expect(first?.costUsd).toBeCloseTo(((first?.promptTokens ?? 0) + 2 * (first?.completionTokens ?? 0)) / 1e6, 12);
});

test('a refused answer is told to the model with its verdict, and a second refusal ends the turn', async () => {
  const server = await serve('repeating');
  const first = await turn(server.url);
  const records = [measuredRecord(1, first)];
  const result = await turn(server.url, { records });
  expect(result).toMatchObject({
    kind: 'fallback',
    why: 'blocked',
    blocked: [{ rail: 'repeat', proposer: 'model' }, { rail: 'repeat' }],
  });
  const [, second, third] = server.calls.map((call) => call.body.messages?.[1]?.content ?? '');
  expect(second).not.toContain('# Refused in this iteration');
  expect(third).toContain('# Refused in this iteration');
  expect(third).toContain(JSON.stringify(server.calls[1]?.said?.content));
  // A retry shares everything before the refusal, so that a server's prefix cache has most of it.
  expect(third?.startsWith(second?.slice(0, second.indexOf('# Your answer')) ?? '?')).toBe(true);
});

test('a model that is malformed 40% of the time still gets most turns, and every failure is named', async () => {
  const server = await serve('malformed40', 3);
  let accepted = 0;
  const calls: ModelCallRecord[] = [];
  for (let i = 0; i < 40; i++) {
    const result = await turn(server.url);
    calls.push(...result.calls);
    if (result.kind === 'accepted') accepted++;
    else expect(result.why).toBe('blocked');
  }
  const spoiled = calls.filter((call) => call.outcome !== 'accepted').length / calls.length;
  expect(spoiled).toBeGreaterThan(0.2);
  expect(spoiled).toBeLessThan(0.6);
  expect(accepted).toBeGreaterThan(25);
  for (const call of calls) if (call.outcome !== 'accepted') expect(call.detail).toBeTruthy();
});

test.each([
  ['status429', 'rate_limited'],
  ['status500', 'server_error'],
  ['status401', 'refused'],
  ['empty', 'bad_answer'],
  ['cut', 'unreachable'],
  ['html', 'bad_answer'],
  ['truncated', 'blocked'],
  ['think-unclosed', 'blocked'],
  ['prose', 'blocked'],
] as const)('a server that is %s falls back: %s', async (behaviour, why) => {
  expect(await turn((await serve(behaviour)).url)).toMatchObject({ kind: 'fallback', why });
});

test.each(['never', 'drip'] as const)(
  'a server that is %s costs the turn its deadline and no more',
  async (behaviour) => {
    const server = await serve(behaviour);
    const started = performance.now();
    expect(await turn(server.url, { deadlineMs: 200 })).toMatchObject({ kind: 'fallback', why: 'timeout' });
    expect(performance.now() - started).toBeLessThan(2000);
  },
);

test('a truncated answer tells the model why', async () => {
  const result = await turn((await serve('truncated')).url);
  expect(result.blocked[0]?.reason).toContain('cut off at the token limit');
});

test('an outage opens the breaker; while open no call is made; after the pause one is, and success closes it', async () => {
  const down = await serve('status500');
  let breaker: BreakerState = CLOSED_BREAKER;
  const at = (nowMs: number) => () => nowMs;
  for (let i = 0; i < 3; i++) breaker = (await turn(down.url, { breaker, wallNow: at(1000) })).breaker;
  const calls = down.calls.length;
  expect(await turn(down.url, { breaker, wallNow: at(2000) })).toMatchObject({
    kind: 'fallback',
    why: 'breaker_open',
    calls: [],
  });
  expect(down.calls).toHaveLength(calls);
  const up = await serve('well-behaved');
  const revived = JSON.parse(JSON.stringify(breaker)) as BreakerState;
  expect(await turn(up.url, { breaker: revived, wallNow: at(40_000) })).toMatchObject({
    kind: 'accepted',
    breaker: CLOSED_BREAKER,
  });
});

test('refused answers are no outage: the breaker stays closed', async () => {
  expect((await turn((await serve('prose')).url)).breaker).toEqual(CLOSED_BREAKER);
});

test('a context too small for the menu makes no call', async () => {
  const server = await serve('well-behaved');
  const result = await turn(server.url, { spec: { contextTokens: 1024 } });
  expect(result).toMatchObject({ kind: 'fallback', why: 'prompt_too_large', calls: [] });
  expect(server.calls).toHaveLength(0);
});

test('half of a context is left for the prompt however large an answer may be', () => {
  expect(promptBudget({ contextTokens: 4096, maxTokens: 100_000 })).toBe(2048);
  expect(promptBudget({ contextTokens: 8192, maxTokens: 1024 })).toBe(7168);
});

test('a record that cannot be stored ends the turn with its error', async () => {
  const server = await serve('well-behaved');
  await expect(turn(server.url, { record: () => Promise.reject(new Error('the database is gone')) })).rejects.toThrow(
    'the database is gone',
  );
});

test('an amnesiac model repeats itself where a sensible one does not', async () => {
  const server = await serve('amnesiac', 7);
  const pairs: string[] = [];
  const records: TrajectoryRecord[] = [];
  for (let i = 1; i <= 30; i++) {
    await turn(server.url, { records, maxBlocked: 1 });
    const said = JSON.parse(server.calls.at(-1)?.said?.content ?? '{}') as { knob: string; new_value: number };
    pairs.push(JSON.stringify([said.knob, said.new_value]));
    records.push({
      ...measuredRecord(i, {
        kind: 'accepted',
        verdict: {
          verdict: 'pass',
          proposal: { knob: said.knob, newValue: said.new_value, reason: '' },
          config: { ...defaultConfig(MENU), [said.knob]: said.new_value },
          repeatOf: null,
        },
        blocked: [],
        calls: [],
        breaker: CLOSED_BREAKER,
      }),
    });
  }
  expect(new Set(pairs).size).toBeLessThan(20);
  expect(new Set(records.map((r) => r.proposal?.knob)).size).toBeLessThan(7);
});
