import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmptyDatabase } from '@nightshift/db/testing/database';
import { createSwapScript } from '../model-server/index.js';
import { startCliWorld, type CliWorld } from './cli-world.js';
import { gitIn, IDEAS, writeFieldProject } from './field-files.js';

const [CONTEXT, LESS_TEXT, SMOOTH] = IDEAS as [(typeof IDEAS)[0], (typeof IDEAS)[0], (typeof IDEAS)[0]];
// What the session threw away comes first: a model that does not know of it would try it again.
const script = createSwapScript('train.py', [LESS_TEXT, SMOOTH]);

describe("a session made with the field's own tools", { timeout: 120_000 }, () => {
  let world: CliWorld;
  let kept: string;
  const at = (...names: string[]) => join(world.folder, ...names);
  const project = () => at('project');
  const git = (...args: string[]) => gitIn(project(), ...args);

  // The way of the field: commit, run, note the row; what is no better is reset away and stays in the row alone.
  beforeAll(async () => {
    world = await startCliWorld(script, await createEmptyDatabase());
    mkdirSync(project());
    writeFieldProject(project());
    git('init', '--quiet', '-b', 'main');
    git('add', '-A');
    git('commit', '--quiet', '-m', 'Source');
    gitIn(world.folder, 'clone', '--quiet', '--bare', 'project', 'served.git');
    git('checkout', '--quiet', '-b', 'research/nov20');
    const rows = [[git('rev-parse', '--short=7', 'HEAD'), '3.922147', '0.1', 'keep', 'baseline']];
    const attempt = (from: string, to: string, row: string[]) => {
      const path = join(project(), 'train.py');
      writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
      git('commit', '--quiet', '-am', row[3] as string);
      rows.push([git('rev-parse', '--short=7', 'HEAD'), ...row]);
      if (row[2] !== 'keep') git('reset', '--quiet', '--hard', 'HEAD~1');
    };
    attempt(...CONTEXT.swap, ['2.394641', '0.1', 'keep', 'look at the byte before']);
    attempt(...LESS_TEXT.swap, ['5.627498', '0.1', 'discard', 'train on a fiftieth']);
    attempt('ORDER = 1', 'ORDER = one', ['0.000000', '0.0', 'crash', 'order by name']);
    kept = git('rev-parse', 'HEAD');
    git('push', '--quiet', at('served.git'), 'research/nov20');
    const header = ['commit', 'val_bpb', 'memory_gb', 'status', 'description'];
    writeFileSync(join(project(), 'results.tsv'), [header, ...rows].map((cells) => `${cells.join('\t')}\n`).join(''));
    writeFileSync(join(project(), 'nightshift.yaml'), specOf('{ path: . }'));
  });
  afterAll(async () => {
    await world?.stop();
  });

  function specOf(source: string): string {
    return `name: field-plain
source: ${source}
metric: { name: val_bpb, goal: minimize, bounds: [0, 8] }
job: { train: python3 train.py, budget: 60s }
edit: { files: [train.py], sealed: [prepare.py] }
proposer: { kind: model, model: { baseUrl: "${world.model.url}", name: local, contextTokens: 16384 } }
decision: { baselineReplicates: 2, maxReplicates: 1 }
stop: { iterations: 1 }
`;
  }
  const idOf = (err: string) => /nightshift watch (run_\w+)/.exec(err)?.[1] ?? '';
  const text = async (...args: string[]) => {
    const { code, out, err } = await world.run(project(), ...args);
    expect({ code, err }).toMatchObject({ code: 0 });
    return out;
  };

  it('can be analysed as it is', async () => {
    expect(JSON.parse(await text('analyze', 'results.tsv', '--json'))).toMatchObject({
      baseline: { value: 3.922147, n: 1 },
      kept: 1,
      reverted: 1,
      failed: 1,
      earlier: null,
    });
  });

  describe('goes on here', () => {
    let id: string;
    let told: { out: string; err: string };

    it('from its last keep, measured afresh, with its rows as memory', async () => {
      const { code, out, err } = await world.run(project(), 'run', '--continue', 'results.tsv', '--wait');
      expect({ code, err, out }).toMatchObject({ code: 0 });
      [id, told] = [idOf(err), { out, err }];
      expect(told.err).toContain('Goes on from results.tsv: 4 rows (2 kept, 1 discarded, 1 crashed), 4 with a commit');
      expect(told.err).toContain(`The baseline is its last keep, ${kept.slice(0, 12)} (line 3), measured afresh.`);
      expect(told.out).toContain('baseline val_bpb 2.39464, n 2 (2.39464, 2.39464), unsealed\n');
      // What it threw away is known by its code, not by its words.
      expect(told.out).toMatch(
        /1 {2}↳ blocked by repeat: .*session before this run, results\.tsv line 4: val_bpb 5\.6/,
      );
      expect(told.out).toMatch(/1 +model +\+1 −1 Smooth a hundredth as much .* kept\n/);
    });

    it('and its model is told what was tried, with the changes of its commits', () => {
      const prompt = world.model.calls.map(({ body }) => JSON.stringify(body.messages)).at(-1) ?? '';
      expect(prompt).toContain('Its figures were taken elsewhere and cannot be compared');
      expect(prompt).toContain('before, line 3 kept: \\"look at the byte before\\", val_bpb 2.394641 there');
      expect(prompt).toMatch(/before, line 4 reverted: .{0,200}changed: .{0,400}\+SHARE = 0\.02/s);
      expect(prompt).toContain('before, line 5 failed: \\"order by name\\", crashed');
      expect(prompt).toContain('Nothing was tried yet.');
    });

    it('and its figures are in no figure of the run', async () => {
      const figures = JSON.parse(await text('report', id, '--json')) as Record<string, unknown>;
      expect(figures).toMatchObject({
        iterations: 1,
        kept: 1,
        baseline: { value: expect.closeTo(2.394641, 5) as number, n: 2 },
        earlier: { name: 'results.tsv', rows: 4, kept: 2, discarded: 1, crashed: 1, withDiff: 3, startsAtHead: true },
      });
      const { items } = JSON.parse(await text('runs', '--json')) as { items: { earlier: unknown }[] };
      expect(items[0]?.earlier).toMatchObject({ rows: 4, head: { line: 3, commit: kept.slice(0, 7) } });
    });

    it('and every report tells earlier from new', async () => {
      for (const args of [[], ['--format', 'html'], ['--format', 'markdown'], ['--pr']]) {
        const report = (await text('report', id, ...args)).replaceAll('\\', '').replace(/\s+/g, ' ');
        expect(report).toContain('Earlier session (results.tsv)');
        expect(report).toContain('They were measured elsewhere and are in no figure of this report.');
        expect(report).toContain(
          `The baseline is the code of its last keep (${kept.slice(0, 7)}, line 3), measured here 2`,
        );
        expect(report).toContain('train on a fiftieth');
      }
      writeFileSync(at('run.jsonl'), await text('export', id));
      expect(JSON.parse(await text('analyze', at('run.jsonl'), '--json'))).toMatchObject({
        iterations: 1,
        earlier: { rows: 4 },
      });
      // The ids are worked out, and no branch is made for them.
      const rows = (await text('export', id, '--format', 'tsv')).trimEnd().split('\n').slice(1);
      const ids = rows.map((row) => row.split('\t')[0]);
      expect(ids).toEqual([kept.slice(0, 7), expect.not.stringMatching(/^0000/)]);
      expect(git('branch', '--list', 'nightshift/*')).toBe('');
      expect(await text('export', id, '--format', 'tsv', '--repo', '.')).toBe(
        await text('export', id, '--format', 'tsv'),
      );
      expect(git('rev-parse', '--short=7', `nightshift/${id}`)).toBe(ids[1]);
    });

    it('and its branch stands on what the session kept', async () => {
      await text('export', id, '--format', 'branch');
      expect(git('log', '--format=%s', `nightshift/${id}`).split('\n')).toEqual([
        'Smooth a hundredth as much',
        'look at the byte before',
        'Source',
      ]);
    });

    it('and what is exported of it can be gone on from, too', async () => {
      await text('export', id, '--format', 'tsv', '--repo', '.', '-o', at('second.tsv'));
      git('checkout', '--quiet', `nightshift/${id}`);
      const { code, err, out } = await world.run(project(), 'run', '--continue', at('second.tsv'), '--wait');
      git('checkout', '--quiet', 'research/nov20');
      expect({ code, out }).toMatchObject({ code: 10, out: expect.stringContaining('baseline val_bpb 1.9912, n 2') });
      expect(err).toContain('Goes on from second.tsv: 2 rows (2 kept, 0 discarded, 0 crashed), 2 with a commit');
    });
  });

  it('goes on from a git URL at the commit that it kept, whatever the ref says, and looks for it there', async () => {
    const folder = at('remote');
    mkdirSync(folder);
    writeFileSync(join(folder, 'nightshift.yaml'), specOf(`{ git: "file://${at('served.git')}", ref: main }`));
    const session = join(project(), 'results.tsv');
    const { code, out, err } = await world.run(folder, 'run', '--continue', session, '--wait');
    // What was thrown away was never pushed: a patch that does it again is not known by its code, and is measured.
    expect({ code, err, out }).toMatchObject({ code: 10 });
    expect(err).toContain('4 rows (2 kept, 1 discarded, 1 crashed), 2 with a commit that is here');
    expect(out).toContain('baseline val_bpb 2.39464, n 2');
    const { items } = JSON.parse(await text('runs', '--json')) as { items: { spec: { source: unknown } }[] };
    expect(items[0]?.spec.source).toMatchObject({ kind: 'git', ref: kept });
  });

  it('is refused where no repository has its last keep, and starts nothing', async () => {
    const runs = async () => (JSON.parse(await text('runs', '--json')) as { items: unknown[] }).items.length;
    const before = await runs();
    const session = (commit: string) => {
      const file = at(`${commit}.tsv`);
      writeFileSync(file, readFileSync(join(project(), 'results.tsv'), 'utf8').replace(kept.slice(0, 7), commit));
      return file;
    };
    const refused = async (folder: string, ...args: string[]) => {
      const { code, err } = await world.run(folder, 'run', '--continue', ...args);
      expect(code).toBe(64);
      return err;
    };
    expect(await refused(project(), session('0000001'))).toMatch(
      /the last keep of .*0000001\.tsv \(line 3\) is 0000001, which is no commit.*\n.*export RUN --format branch/,
    );
    expect(await refused(project(), session('-'))).toContain('(line 3) names no commit');
    expect(await refused(at('remote'), session('abcdef1'))).toContain(`no commit of a repository here, nor in file://`);
    const gone = at('gone');
    mkdirSync(gone);
    writeFileSync(join(gone, 'nightshift.yaml'), specOf(`{ git: "file://${at('nowhere.git')}" }`));
    expect(await refused(gone, join(project(), 'results.tsv'))).toMatch(
      /git could not fetch file:.*nowhere\.git: fatal: .*not appear to be a git repository\n.*--repo/,
    );
    expect(await runs()).toBe(before);
  });

  it('is refused from another checkout, with where to go', async () => {
    git('checkout', '--quiet', 'main');
    const { code, err } = await world.run(project(), 'run', '--continue', 'results.tsv');
    git('checkout', '--quiet', 'research/nov20');
    expect(code).toBe(64);
    expect(err).toContain(
      `the last keep of results.tsv is ${kept.slice(0, 7)} (line 3), which has another train.py than`,
    );
    expect(err).toContain(`checkout ${kept.slice(0, 12)}`);
  });

  it.each([
    [(text: string) => text.replace('discard', 'maybe'), 'bad.tsv:4 status "maybe" is not keep, discard or crash'],
    [(text: string) => text.replace('2.394641', ''), 'bad.tsv:3 val_bpb is "": a keep needs a number'],
    [(text: string) => text.replace('val_bpb', 'loss'), 'bad.tsv:1 the header has no column val_bpb'],
    [() => 'notes\n', 'bad.tsv:1 the header has no column commit'],
  ])('that is damaged is refused with its file and line', async (damage, problem) => {
    const bad = at('bad.tsv');
    writeFileSync(bad, damage(readFileSync(join(project(), 'results.tsv'), 'utf8')));
    const { code, err } = await world.run(project(), 'run', '--continue', bad);
    expect(code).toBe(64);
    expect(err).toContain(problem);
  });

  it('is refused over REST with the line, and in menu mode', async () => {
    const token = readFileSync(at('home', 'token'), 'utf8').trim();
    const post = async (body: object) => {
      const response = await fetch(`${world.url}/v1/runs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    const spec = specOf('{ path: /nowhere }');
    expect(
      await post({ spec, earlier: { results: 'commit\tval_bpb\tstatus\tdescription\nzzz\t1\tkeep\tx\n' } }),
    ).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('results.tsv, line 2: commit "zzz"'), errors: [{ line: 2 }] },
    });
    const menu = spec.replace(/^edit: .*$/m, 'menu: { knobs: { lr: { type: float, range: [0, 1], default: 0.5 } } }');
    expect(await post({ spec: menu, earlier: { results: 'x' } })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('code mode') },
    });
  });
});
