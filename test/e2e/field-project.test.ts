import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmptyDatabase } from '@nightshift/db/testing/database';
import { createSwapScript } from '../model-server/index.js';
import { startCliWorld, type CliWorld } from './cli-world.js';
import { gitIn, IDEAS, writeFieldProject } from './field-files.js';
import { httpBackend, serveGit, type GitHttp } from './git-http.js';

const BELOW = 'research/tiny/';
const script = (() => {
  const [top, below] = ['', BELOW].map((prefix) => createSwapScript(`${prefix}train.py`, IDEAS));
  return (text: string) => top!(text) ?? below!(text);
})();

describe("a project of the field's two files", { timeout: 120_000 }, () => {
  let world: CliWorld;
  let http: GitHttp | null = null;
  let base: string;
  const at = (...names: string[]) => join(world.folder, ...names);

  beforeAll(async () => {
    world = await startCliWorld(script, await createEmptyDatabase());
    mkdirSync(at('served'));
    // Two repositories: one that is the project, and one that has it in a folder beside other things.
    for (const [name, prefix] of [
      ['project', ''],
      ['many', BELOW],
    ] as const) {
      mkdirSync(at(name));
      writeFieldProject(at(name), prefix);
      if (prefix !== '') writeFileSync(at(name, 'README.md'), 'Other things.\n');
      gitIn(at(name), 'init', '--quiet', '-b', 'main');
      gitIn(at(name), 'add', '-A');
      gitIn(at(name), 'commit', '--quiet', '-m', `Source of ${name}`);
      gitIn(world.folder, 'clone', '--quiet', '--bare', name, `served/${name}.git`);
    }
    base = gitIn(at('project'), 'rev-parse', 'HEAD');
    if (httpBackend === null) console.warn('this git has no http-backend: the project is served as a file URL');
    else http = await serveGit(at('served'));
  });
  afterAll(async () => {
    await http?.close();
    await world?.stop();
  });

  /** Ten lines at most: what the convention does not say already. */
  function specOf(source: string, prefix = ''): string {
    const train = prefix === '' ? 'python3 train.py' : `cd ${prefix} && python3 train.py`;
    const lines = [
      'name: field-plain',
      source,
      'metric: { name: val_bpb, goal: minimize, bounds: [0, 8] }',
      `job: { train: ${train}, budget: 60s }`,
      `edit: { files: [${prefix}train.py], sealed: [${prefix}prepare.py] }`,
      `proposer: { kind: model, model: { baseUrl: "${world.model.url}", name: local, contextTokens: 16384 } }`,
      'decision: { baselineReplicates: 2, maxReplicates: 1 }',
      'stop: { iterations: 3 }',
    ];
    expect(lines.filter(Boolean).length).toBeLessThanOrEqual(10);
    return `${lines.filter(Boolean).join('\n')}\n`;
  }

  async function runIt(folder: string, spec: string): Promise<{ id: string; out: string; err: string }> {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'nightshift.yaml'), spec);
    const { code, out, err } = await world.run(folder, 'run', 'nightshift.yaml', '--wait');
    expect({ code, out, err }).toMatchObject({ code: 0 });
    return { id: /nightshift watch (run_\w+)/.exec(err)?.[1] ?? '', out, err };
  }

  describe('at a git URL', () => {
    let id: string;
    let told: { out: string; err: string };
    const text = async (...args: string[]) => {
      const { code, out, err } = await world.run(at('project'), ...args);
      expect({ code, err }).toMatchObject({ code: 0 });
      return out;
    };

    it('runs as it is, and keeps and reverts', async () => {
      // Where this git has no server side of HTTP, the same over a file's URL.
      const url = http === null ? `file://${at('served')}/project.git` : `${http.url}/project.git`;
      ({ id, ...told } = await runIt(at('remote'), specOf(`source: { git: "${url}", ref: main }`)));
      expect(told.out).toMatch(/1 +model +\+1 −1 Look at the byte before .* kept\n/);
      expect(told.out).toMatch(/2 +model +\+1 −1 Train on a fiftieth .* reverted\n/);
      expect(told.out).toMatch(/3 +model +\+1 −1 Smooth a hundredth .* kept\n/);
    });

    it('is called unsealed to whoever starts, follows or ends it', async () => {
      expect(told.err).toContain('warning: Unsealed: the edited files evaluate themselves');
      expect(told.out).toMatch(/baseline val_bpb 3\.92\d+, n 2 .*, unsealed\n/);
      expect(told.out).toContain('improved: 2 of 3 iterations were kept (unsealed)\n');
      const watched = await world.run(at('project'), 'watch', id);
      expect(watched.err).toContain('warning: Unsealed: ');
      expect(watched.out).toMatch(/baseline .*, unsealed\n/);
      expect(await text('iterations', id)).toContain('val_bpb (unsealed)');
    });

    it('is called unsealed by the API: the run, its iterations and its trajectory', async () => {
      const { items } = JSON.parse(await text('iterations', id, '--json')) as { items: { measurement: string }[] };
      expect(items.map(({ measurement }) => measurement)).toEqual(['unsealed', 'unsealed', 'unsealed']);
      expect(JSON.parse(await text('runs', '--json'))).toMatchObject({ items: [{ id, measurement: 'unsealed' }] });
      expect(JSON.parse(await text('report', id, '--json'))).toMatchObject({ measurement: 'unsealed', kept: 2 });
    });

    it('is called unsealed in every form of the report', async () => {
      for (const format of ['text', 'html', 'markdown'])
        expect((await text('report', id, '--format', format)).replace(/\s+/g, ' ')).toContain(
          'Unsealed: the edited files evaluate themselves',
        );
      expect(await text('report', id, '--pr')).toContain('> **Unsealed.** The edited files evaluate themselves');
    });

    it('is called unsealed in every export that has a place for it, and by an analysis of them', async () => {
      const jsonl = (await text('export', id, '--format', 'jsonl')).trimEnd().split('\n');
      expect(jsonl.slice(0, -1).map((line) => (JSON.parse(line) as { measurement?: string }).measurement)).toEqual([
        'unsealed',
        'unsealed',
        'unsealed',
        'unsealed',
      ]);
      const tsv = await text('export', id, '--format', 'tsv', '--repo', '.');
      const rows = tsv
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'));
      expect(rows[0]).toEqual(['commit', 'val_bpb', 'memory_gb', 'status', 'description']);
      expect(rows[1]?.slice(3)).toEqual(['keep', 'baseline (measurement: unsealed)']);
      expect(rows[1]?.[0]).toBe(base.slice(0, 7));
      expect(rows.slice(2).map((row) => row[3])).toEqual(['keep', 'discard', 'keep']);
      const csv = (await text('export', id, '--format', 'csv')).trimEnd().split('\r\n');
      // From the right: reasons have commas, and no column after the mark has.
      const names = csv[0]?.split(',') ?? [];
      const marks = csv.map((line) => line.split(',').at(names.indexOf('measurement') - names.length));
      expect(marks).toEqual(['measurement', 'unsealed', 'unsealed', 'unsealed']);
      const chat = await world.run(at('project'), 'export', id, '--format', 'chat');
      expect(chat.err).toContain('Unsealed: ');
      for (const [name, content] of [
        ['run.jsonl', `${jsonl.join('\n')}\n`],
        ['results.tsv', tsv],
      ] as const) {
        writeFileSync(at(name), content);
        expect(JSON.parse(await text('analyze', at(name), '--json'))).toMatchObject({
          measurement: 'unsealed',
          kept: 2,
          reverted: 1,
        });
      }
    });

    it('becomes a branch on its commit whose messages say unsealed', async () => {
      await text('export', id, '--format', 'branch');
      const branch = `nightshift/${id}`;
      expect(gitIn(at('project'), 'rev-parse', `${branch}~2`)).toBe(base);
      const trailers = gitIn(
        at('project'),
        'log',
        '--format=%(trailers:key=Nightshift-Measurement,valueonly,separator=%x2C)',
        `${base}..${branch}`,
      );
      expect(trailers.split('\n')).toEqual(['unsealed', 'unsealed']);
      expect(await text('export', id, '--format', 'patch')).toMatch(/^Nightshift-Measurement: unsealed$/m);
    });
  });

  it('runs from a file URL when it lies below the top of its repository', async () => {
    const { id } = await runIt(
      at('remote-many'),
      specOf(`source: { git: "file://${at('served')}/many.git", ref: main }`, BELOW),
    );
    expect((await world.run(at('many'), 'export', id, '--format', 'branch')).code).toBe(0);
    expect(gitIn(at('many'), 'diff', '--name-only', `main..nightshift/${id}`)).toBe(`${BELOW}train.py`);
  });

  it('below the top of a working repository becomes a branch of that repository', async () => {
    const { id } = await runIt(at('many', BELOW), specOf(''));
    const top = at('many');
    const exported = await world.run(at('many', BELOW), 'export', id, '--format', 'branch');
    expect(exported).toMatchObject({ code: 0, err: expect.stringContaining(`is in ${top}`) });
    const branch = `nightshift/${id}`;
    const source = gitIn(top, 'rev-parse', 'main');
    expect(gitIn(top, 'rev-parse', `${branch}~2`)).toBe(source);
    expect(gitIn(top, 'diff', '--stat=200', `main..${branch}`)).toMatch(
      /^ research\/tiny\/train\.py \| +4 [+-]+\n 1 file changed, 2 insertions\(\+\), 2 deletions\(-\)$/,
    );
    expect(gitIn(top, 'ls-tree', '-r', '--name-only', branch)).toContain('README.md');
    // The mails, the squashed branch and a repository elsewhere have the same paths.
    const mails = at('below.mbox');
    expect((await world.run(top, 'export', id, '--format', 'patch', '-o', mails)).code).toBe(0);
    expect(readFileSync(mails, 'utf8')).toContain(`diff --git a/${BELOW}train.py b/${BELOW}train.py`);
    expect((await world.run(top, 'export', id, '--format', 'branch', '--squash')).code).toBe(0);
    expect(gitIn(top, 'rev-parse', `${branch}-squashed^{tree}`)).toBe(gitIn(top, 'rev-parse', `${branch}^{tree}`));
    const elsewhere = await world.run(top, 'export', id, '--format', 'branch', '--repo', at('elsewhere'));
    expect(elsewhere.code).toBe(0);
    expect(gitIn(at('elsewhere'), 'rev-parse', branch)).toBe(gitIn(top, 'rev-parse', branch));
  });

  it('uploaded from below the top of its repository stands on its commit, too', async () => {
    const folder = at('many', BELOW);
    writeFileSync(join(folder, 'nightshift.yaml'), specOf(''));
    gitIn(folder, 'add', 'nightshift.yaml');
    gitIn(folder, 'commit', '--quiet', '-m', 'The spec');
    const { code, err } = await world.run(folder, 'run', 'nightshift.yaml', '--upload', '--wait');
    expect({ code, err }).toMatchObject({ code: 0 });
    const id = /nightshift watch (run_\w+)/.exec(err)?.[1] ?? '';
    expect((await world.run(folder, 'export', id, '--format', 'branch')).code).toBe(0);
    expect(gitIn(folder, 'rev-parse', `nightshift/${id}~2`)).toBe(gitIn(folder, 'rev-parse', 'HEAD'));
  });
});
