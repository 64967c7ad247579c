import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printed, resultOf, runCli, startCli } from './cli-process.js';

const MINUTES = 120_000;

describe('the demo', () => {
  let home: string;
  const env = () => ({ NIGHTSHIFT_HOME: home });
  /** Everything that the demo starts carries its home among its arguments. */
  const processesLeft = () =>
    execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(home));
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'nightshift-demo-'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('trains, decides, reports and leaves nothing running', { timeout: MINUTES }, async () => {
    const { code, out, err } = await runCli(['demo', '--once', '--json', '--iterations', '1'], { env: env() });
    expect({ code, err }).toMatchObject({ code: 0 });
    expect(out.split('\n')).toHaveLength(2);
    const summary = JSON.parse(out) as Record<string, number>;
    expect(summary).toMatchObject({
      url: null,
      project: 'byte-lm',
      state: 'completed',
      iterations: 1,
      repeats: 0,
      blocked: 0,
    });
    // Bits per byte of a model that has learnt something: better than guessing, worse than magic.
    expect(summary.baseline).toBeGreaterThan(1);
    expect(summary.baseline).toBeLessThan(7);
    expect(summary.trainingSeconds).toBeGreaterThan(0.5 * summary.runSeconds!);
    expect(err).toContain('Measuring the baseline');
    expect(err).toMatch(/^ {2}1 {2}sampler /m);
    expect(err).toContain('Health: ');
    expect(err.slice(err.indexOf('Health: '))).not.toContain('http://');
    expect(processesLeft()).toEqual([]);
  });

  it('lets a scripted model edit code, and builds the same branch twice', { timeout: 4 * MINUTES }, async () => {
    const args = ['demo', '--mode', 'code', '--once', '--json', '--iterations', '3'];
    const { code, out, err } = await runCli(args, { env: env() });
    expect({ code, err }).toMatchObject({ code: 0 });
    const summary = JSON.parse(out) as {
      kept: number;
      branch: { commits: { iteration: number | null }[]; isSameElsewhere: boolean };
    };
    expect(summary).toMatchObject({ project: 'byte-lm-edit', state: 'completed', iterations: 3 });
    expect(summary.kept).toBeGreaterThan(0);
    expect(summary.branch.isSameElsewhere).toBe(true);
    // Where the example is not committed as it is, the branch begins with a commit of its own.
    const kept = summary.branch.commits.filter(({ iteration }) => iteration !== null);
    expect(kept).toHaveLength(summary.kept);
    expect(kept[0]).toMatchObject({ iteration: 1 });
    expect(err).toMatch(/↳ blocked by imports: .*child_process/);
    expect(processesLeft()).toEqual([]);
  });

  it(
    'stops everything on Ctrl-C in the middle of a training, and refuses a second one until then',
    { timeout: MINUTES },
    async () => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      const { port } = taken.address() as AddressInfo;
      // The usual port is taken here: without --port the demo finds another.
      const child = startCli(['demo'], { env: { ...env(), NIGHTSHIFT_PORT: String(port) } });
      const ending = resultOf(child);
      await printed(child, 'Measuring');
      const second = await runCli(['demo', '--once'], { env: env() });
      expect(second).toMatchObject({ code: 64, err: expect.stringContaining('another demo is running') });
      child.kill('SIGINT');
      const { code, out } = await ending;
      expect(code).toBe(130);
      expect(out).not.toContain(`:${port}\n`);
      expect(processesLeft()).toEqual([]);
      const fixed = await runCli(['demo', '--once', '--port', String(port)], { env: env() });
      expect(fixed).toMatchObject({ code: 64, err: expect.stringContaining(`port ${port} on 127.0.0.1 is taken`) });
      expect(processesLeft()).toEqual([]);
      await new Promise((resolve) => taken.close(resolve));
    },
  );
});
