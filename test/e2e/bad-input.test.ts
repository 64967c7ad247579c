import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../setup/database.js';
import type { AttemptSeen, IterationSeen } from './client.js';
import { expectSound } from './checks.js';
import { startWorld, type World } from './harness.js';
import { toySpec } from './toy.js';

describe('a training that goes wrong', () => {
  let database: TestDatabase;
  let world: World;
  beforeAll(async () => {
    database = await createTestDatabase();
    world = await startWorld(database.url);
  });
  afterAll(async () => {
    await world?.stop();
    await database?.drop();
  });

  test('each way has its own reason, and the loop goes on', { timeout: 60_000 }, async () => {
    const ways: [knob: string, value: string, failure: string | null, detail: RegExp | null][] = [
      ['program', 'there-is-no-such-program', 'command_not_found', /not found/],
      ['ugly', 'no_metric', 'no_metric', /reported no score/],
      ['ugly', 'nan', 'diverged', /NaN/],
      ['ugly', 'exit1', 'crash', /exited with code 1; it last printed: .*ValueError: shapes do not match/],
      ['ugly', 'kills_itself', 'killed', /signal 9|SIGKILL/],
      ['ugly', 'too_slow', 'timeout', /the budget of 2\.5 s ran out/],
      [
        'ugly',
        'ignores_signals',
        'timeout',
        /the budget of 2\.5 s ran out and training ignored INT and TERM; KILL ended it/,
      ],
      ['ugly', 'daemon', null, null],
      ['ugly', 'forks', null, null],
    ];
    const run = await world.client.createRun(
      toySpec({
        name: 'ugly',
        iterations: ways.length,
        isUgly: true,
        budget: '2.5s',
        grace: '500ms',
        env: world.jobEnv(),
        proposer: { kind: 'external' },
      }),
    );
    for (const [knob, newValue] of ways) {
      const { verdict, iteration } = await world.client.json<{ verdict: string; iteration: IterationSeen }>(
        'POST',
        `/v1/runs/${run.id}/proposals`,
        { knob, newValue, reason: 'to see what happens' },
      );
      expect(verdict).toBe('pass');
      await world.events.until(
        `the end of iteration ${iteration.number}`,
        (event) =>
          event.runId === run.id &&
          event.payload.iteration === iteration.number &&
          /^iteration\.(kept|reverted|inconclusive|failed|cancelled)$/.test(event.type),
      );
    }
    await world.events.ended(run.id);
    expect(await world.client.run(run.id)).toMatchObject({ state: 'completed', endReason: 'iterations' });
    const iterations = await expectSound(world, run.id);
    const jobs = await world.client.jobs(run.id);
    const attemptOf = async (number: number): Promise<AttemptSeen> => {
      const job = jobs.find((one) => one.iterationId === iterations[number]?.id);
      const attempts = await world.client.attempts(job?.id ?? '');
      expect(attempts).toHaveLength(1);
      return attempts[0] as AttemptSeen;
    };
    for (const [i, [, value, failure, detail]] of ways.entries()) {
      expect(iterations[i], value).toMatchObject({ failure, proposer: 'external' });
      if (detail) expect(iterations[i]?.failureDetail, value).toMatch(detail);
      else expect(['kept', 'reverted', 'inconclusive']).toContain(iterations[i]?.state);
      const { exit } = await attemptOf(i);
      expect(exit?.leftPids, value).toEqual([]);
      expect(exit?.exitCode === null || exit?.signal === null, value).toBe(true);
    }
    expect((await attemptOf(5)).exit).toMatchObject({ phases: [{ clock: 'budget', stoppedBy: ['INT'] }] });
    expect((await attemptOf(6)).exit).toMatchObject({
      phases: [{ clock: 'budget', stoppedBy: ['INT', 'TERM', 'KILL'] }],
    });
    expect((await attemptOf(7)).exit).toMatchObject({ reason: 'completed', killedDescendants: 1 });
    expect((await attemptOf(8)).exit?.killedDescendants).toBeGreaterThanOrEqual(1);
    expect(world.jobProcesses()).toEqual([]);
  });

  test('a baseline that fails ends the run with the reason in words', async () => {
    const spec = toySpec({ name: 'broken', iterations: 3, env: world.jobEnv() });
    (spec['job'] as { train: string }).train = 'echo no such file >&2; exit 3';
    const run = await world.client.createRun(spec);
    await world.events.ended(run.id);
    const ended = await world.client.run(run.id);
    expect(ended).toMatchObject({ state: 'failed', endReason: 'baseline_failed' });
    expect(ended.endDetail).toMatch(/crash .*exited with code 3; it last printed: no such file/);
  });

  test.each([
    ['a wrong key', { metrics: {} }, /metrics/],
    ['a wrong type', { seed: 'seven' }, /seed/],
    ['a wrong unit', { stop: { wall: '3 fortnights' } }, /wall/],
    [
      'a rule that is no CEL',
      { menu: { knobs: { x: { type: 'int', range: [1, 2], default: 1 } }, constraints: [{ id: 'c', rule: 'x <' }] } },
      /constraints|rule/,
    ],
  ])('%s in the spec is refused by name', async (_what, change, where) => {
    const answer = await world.client.send('POST', '/v1/runs', {
      spec: { ...toySpec({ name: 'bad', iterations: 1 }), ...change },
    });
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body.toString()).toMatch(where);
  });
});
