import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSpec, type SpecInput } from '@nightshift/protocol';
import { findRun, listIterations, listModelCallsOfRun, listNotes, type RunRow } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { settledEvents } from '@nightshift/db/testing/settled-events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { paperBox, type PaperBox } from '../testing/paper-box.js';
import { drive as driveRun, loopDeps } from '../testing/test-loop.js';
import { createRun } from './create-run.js';
import type { LoopDeps } from './deps.js';
import { analyze, readTrajectory, reportText, writeTrajectory, type Playbook } from '../trajectory/index.js';
import { loadTrajectory } from './trajectory-of-run.js';

const USAGE = { prompt_tokens: 1000, completion_tokens: 100 };

/** A chat endpoint that answers with what a function makes of the prompt. */
async function chatServer(
  answer: (prompt: string, model: string) => string,
): Promise<{ baseUrl: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const { messages, model } = JSON.parse(body) as { messages: { content: string }[]; model: string };
      const content = answer(messages.map((message) => message.content).join('\n'), model);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }] })}\n\n`,
      );
      const last = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: USAGE };
      response.write(`data: ${JSON.stringify(last)}\n\n`);
      response.end('data: [DONE]\n\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const KNOBS = Object.fromEntries(
  ['a', 'b', 'c', 'd'].map((name) => [name, { type: 'int' as const, range: [0, 50] as [number, number], default: 10 }]),
);
const SPEC: SpecInput = {
  name: 'brain',
  source: { path: '/nowhere' },
  metric: { name: 'loss', goal: 'minimize' },
  job: { train: 'true' },
  menu: { knobs: KNOBS },
  decision: { baselineReplicates: 2, maxReplicates: 1 },
  stop: { iterations: 40 },
};
// Nothing is ever better than the baseline, and everything differs: a plateau from the first iteration on.
const worse = (config: Record<string, unknown>) =>
  100 + Object.values(config).reduce<number>((sum, value) => sum + Math.abs(Number(value) - 10), 0);

let database: TestDatabase;
let deps: LoopDeps;
const servers: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  deps = loopDeps(database.db);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  await database.drop();
});

async function drive(spec: SpecInput, box: PaperBox, until: (run: RunRow) => Promise<boolean>): Promise<RunRow> {
  const { id } = await createRun(deps, parseSpec(spec), { notes: 'begin with a' });
  return driveRun(deps, id, box, worse, { until });
}
const eventsOf = async (run: RunRow, type: string) =>
  (await settledEvents(deps.db, { runId: run.id, types: [type], limit: 100 })).map((event) => event.payload);
const nextValue = (used: Map<string, number>) => {
  const knob = ['a', 'b', 'c'][used.size % 3] as string;
  const value = 11 + (used.get(knob) ?? 0);
  used.set(`${knob}${value}`, 1);
  used.set(knob, value - 10);
  return JSON.stringify({ knob, new_value: value, reason: 'the next one' });
};

describe('health that acts', () => {
  test('tries one remedy after the other on a plateau, scores each, and pauses when none helped', async () => {
    const box = await paperBox(deps.db);
    const run = await drive({ ...SPEC, health: { pauseAfter: 1 } }, box, async (now) => now.state === 'paused');
    expect(run.state).toBe('paused');
    const actions = await eventsOf(run, 'health.action');
    expect(actions.at(-1)).toMatchObject({ kind: 'pause', verdict: 'plateaued' });
    expect(actions.length).toBeGreaterThanOrEqual(2);
    const scored = await eventsOf(run, 'health.scored');
    expect(scored.length).toBe(actions.length - 1);
    expect((run.playbook as Playbook).actions.slice(0, -1).every((action) => action.score !== null)).toBe(true);
  });

  test('does nothing when the spec says so', async () => {
    const box = await paperBox(deps.db);
    const run = await drive({ ...SPEC, health: { act: false }, stop: { iterations: 20 } }, box, async () => false);
    expect(run.state).toBe('completed');
    expect(await eventsOf(run, 'health.action')).toEqual([]);
  });
});

describe('with a model', () => {
  test('a plateau makes it rewrite the notes, which every later prompt carries', async () => {
    const used = new Map<string, number>();
    const server = await chatServer((prompt) =>
      prompt.includes('revised strategy notes')
        ? '{"notes": "stop moving a; try d", "reason": "a never helped"}'
        : nextValue(used),
    );
    servers.push(server);
    const box = await paperBox(deps.db);
    const model = { baseUrl: server.baseUrl, name: 'm', timeout: '10s' };
    const run = await drive(
      { ...SPEC, proposer: { kind: 'model', model, reflect: 'adopt' } },
      box,
      async (now) => (await listNotes(deps.db, now.id)).length > 1,
    );
    const notes = await listNotes(deps.db, run.id);
    expect(notes.map((note) => [note.version, note.author, note.state])).toEqual([
      [1, 'person', 'adopted'],
      [2, 'model', 'adopted'],
    ]);
    expect(notes[0]?.body).toBe('begin with a');
    expect((await findRun(deps.db, run.id))?.notes).toBe('stop moving a; try d');
    const calls = await listModelCallsOfRun(deps.db, run.id);
    expect(calls.filter((call) => call.purpose === 'reflect')).toHaveLength(1);
    expect(JSON.stringify(calls.find((call) => call.purpose === 'propose')?.messages)).toContain('begin with a');
  });

  test('what the sampler outweighs is told to the model at once and in later prompts, and takes its turn', async () => {
    let tries = 0;
    // Ever the same bad idea: far out on the knob that was measured to hurt.
    const server = await chatServer(() => JSON.stringify({ knob: 'a', new_value: 50 - tries++, reason: 'more of a' }));
    servers.push(server);
    const model = { baseUrl: server.baseUrl, name: 'm', timeout: '10s' };
    const proposer = { kind: 'hybrid' as const, model, share: 0.3 };
    const box = await paperBox(deps.db);
    const spec = { ...SPEC, health: { act: false }, proposer, stop: { iterations: 24 } };
    const run = await drive(spec, box, async () => false);

    const iterations = await listIterations(deps.db, run.id);
    const calls = await listModelCallsOfRun(deps.db, run.id);
    const prompts = iterations.map(({ id }) =>
      calls.filter((call) => call.iterationId === id).map(({ messages }) => JSON.stringify(messages)),
    );
    const lost = iterations.filter(({ outweighed }) => outweighed.length > 0);
    expect(lost.length).toBeGreaterThanOrEqual(2);
    expect(lost.every(({ proposer: by }) => by === 'sampler')).toBe(true);
    for (const { number, outweighed } of lost) {
      expect(outweighed).toHaveLength(2);
      expect(outweighed[0]).toMatchObject({ proposal: { knob: 'a' }, leastPromise: 1 });
      expect(outweighed[0]?.promise).toBeLessThan(1);
      expect(outweighed[0]?.expected).toBeGreaterThan(100);
      const value = outweighed[0]?.proposal.newValue;
      const [fresh, again] = prompts[number - 1] ?? [];
      expect(fresh).not.toContain('# Outweighed in this iteration');
      expect(again).toContain(`# Outweighed in this iteration (your next answer must differ)\\na=${value}: `);
      // The next proposal is made while this one trains: the one after it has it in its record.
      const later = prompts.slice(number + 1, number + 10).find((own) => own.length > 0)?.[0];
      if (later !== undefined) expect(later).toContain(`outweighed: a=${value} (`);
    }
    // A turn that came to nothing is over too: the model is asked again when its share of the turns is due.
    const turns = prompts.flatMap((own, i) => (own.length > 0 ? [i] : []));
    expect(turns.length).toBeLessThanOrEqual(12);
    expect(await eventsOf(run, 'model.outweighed')).toHaveLength(2 * lost.length);
    const told = await loadTrajectory(deps.db, run);
    const of = ({ records }: typeof told) => records.flatMap(({ outweighed }) => outweighed ?? []);
    expect(of(told)).toEqual(lost.flatMap(({ outweighed }) => outweighed));
    expect(of(readTrajectory(writeTrajectory(told)))).toEqual(of(told));
    expect(reportText(told, analyze(told)).replace(/\s+/g, ' ')).toContain(
      `outweighed ${2 * lost.length} proposals of the model in ${lost.length} iterations: `,
    );
  });

  test('figures that are no numbers are never stored, and the run goes on', async () => {
    let tries = 0;
    const server = await chatServer(() => JSON.stringify({ knob: 'a', new_value: 50 - tries++, reason: 'more of a' }));
    servers.push(server);
    const model = { baseUrl: server.baseUrl, name: 'm', timeout: '10s' };
    const proposer = { kind: 'hybrid' as const, model, share: 0.5 };
    const box = await paperBox(deps.db);
    const { id } = await createRun(
      deps,
      parseSpec({ ...SPEC, health: { act: false }, proposer, stop: { iterations: 10 } }),
    );
    // As far apart as numbers go: their differences are none.
    const extreme = (config: Record<string, unknown>) =>
      (Number(config['b']) + Number(config['a'])) % 2 ? 1e308 : -1e308;
    const run = await driveRun(deps, id, box, extreme, { until: async () => false });
    expect(run.state).toBe('completed');
    const iterations = await listIterations(deps.db, id);
    const figures = iterations.flatMap(({ outweighed }) =>
      outweighed.flatMap((one) => [one.expected, one.sd, one.promise]),
    );
    expect(figures.every(Number.isFinite)).toBe(true);
    // Whether a proposal of the model is measured hangs on the sampler's draws, and those on the run's id.
    expect(tries).toBeGreaterThan(0);
  });

  test('a critic vetoes after the rails, and every fourth veto is measured all the same', async () => {
    const used = new Map<string, number>();
    const server = await chatServer((prompt, name) =>
      name === 'critic' ? '{"veto": true, "reason": "it never works"}' : nextValue(used),
    );
    servers.push(server);
    const box = await paperBox(deps.db);
    const at = (name: string) => ({ baseUrl: server.baseUrl, name, timeout: '10s' });
    const run = await drive(
      {
        ...SPEC,
        health: { act: false },
        stop: { iterations: 5 },
        proposer: { kind: 'model', model: at('m'), critic: at('critic') },
      },
      box,
      async () => false,
    );
    const iterations = (await listIterations(deps.db, run.id)).filter((iteration) => iteration.state !== 'cancelled');
    expect(iterations.map((iteration) => iteration.proposer)).toEqual([
      'sampler',
      'sampler',
      'sampler',
      'model',
      'sampler',
    ]);
    expect(iterations[3]?.critique).toMatchObject({ veto: true, isOverruled: true, reason: 'it never works' });
    expect(await eventsOf(run, 'critic.veto')).toHaveLength(4);
    expect(analyze(await loadTrajectory(deps.db, run)).critic).toMatchObject({ vetoes: 5, overruled: 1, passed: 0 });
  });

  test('after measured iterations without a keep the next model of the ladder proposes', async () => {
    const used = new Map<string, number>();
    const asked: string[] = [];
    const server = await chatServer((prompt, name) => {
      asked.push(name);
      return nextValue(used);
    });
    servers.push(server);
    const box = await paperBox(deps.db);
    const at = (name: string) => ({ baseUrl: server.baseUrl, name, timeout: '10s' });
    const run = await drive(
      {
        ...SPEC,
        health: { act: false },
        stop: { iterations: 9 },
        proposer: { kind: 'model', model: at('small'), ladder: { after: 3, models: [at('large')] } },
      },
      box,
      async () => false,
    );
    expect(asked[0]).toBe('small');
    expect(asked.at(-1)).toBe('large');
    expect(asked.lastIndexOf('small')).toBeLessThan(asked.indexOf('large'));
    expect((await findRun(deps.db, run.id))?.ladderStep).toBe(1);
    expect(await eventsOf(run, 'model.ladder')).toMatchObject([{ step: 1, model: 'large' }]);
  });

  test('every call is priced by the model that made it, and the sum ends the run', async () => {
    const used = new Map<string, number>();
    const server = await chatServer((prompt, name) => {
      if (prompt.includes('revised strategy notes')) return '{"notes": "try d", "reason": "a never helped"}';
      return name === 'critic' ? '{"veto": false, "reason": "why not"}' : nextValue(used);
    });
    servers.push(server);
    const box = await paperBox(deps.db);
    // A call has 1000 tokens in and 100 out: 1, 100 and 10 cents a call.
    const at = (name: string, cents: number) => ({
      baseUrl: server.baseUrl,
      name,
      timeout: '10s',
      inputUsdPerMillion: cents * 5,
      outputUsdPerMillion: cents * 50,
    });
    const run = await drive(
      {
        ...SPEC,
        stop: { modelCostUsd: 2.5 },
        proposer: {
          kind: 'model',
          model: at('small', 1),
          critic: at('critic', 10),
          ladder: { after: 3, models: [at('large', 100)] },
          reflect: 'adopt',
        },
      },
      box,
      async () => false,
    );
    const calls = await listModelCallsOfRun(deps.db, run.id);
    const cents = (name: string) => [
      ...new Set(calls.filter((call) => call.model === name).map((call) => Math.round((call.costUsd ?? 0) * 100))),
    ];
    expect([cents('small'), cents('critic'), cents('large')]).toEqual([[1], [10], [100]]);
    const total = calls.reduce((sum, call) => sum + (call.costUsd ?? 0), 0);
    expect(total).toBeGreaterThanOrEqual(2.5);
    expect(run.endReason).toBe('model_cost');
    const trajectory = await loadTrajectory(deps.db, run);
    expect(trajectory.modelCostUsd).toBeCloseTo(total, 9);
    expect(analyze(trajectory).cost.modelUsd).toBeCloseTo(total, 9);
  });
});
