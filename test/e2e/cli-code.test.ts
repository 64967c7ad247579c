import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmptyDatabase } from '@nightshift/db/testing/database';
import { firstLine, printed, resultOf, runCli, startCli, type CliResult } from './cli-process.js';

const TRAIN = `import { writeFileSync } from 'node:fs';
const rate = 1;



const steps = 10;
writeFileSync('model.json', JSON.stringify({ gain: rate * steps }));
`;
const EVALUATE = `import { readFileSync } from 'node:fs';
console.log('gain: ' + JSON.parse(readFileSync('model.json', 'utf8')).gain);
`;
// The run reads a checkout of its own: whoever proposes works in another.
const SPEC = `name: edited
source: { path: ../source }
metric: { name: gain, goal: maximize }
job: { train: node train.mjs, evaluate: node evaluate.mjs, budget: 30s, grace: 500ms }
edit: { files: [train.mjs], sealed: [evaluate.mjs], artifacts: [model.json], repairs: 0 }
proposer: { kind: external }
decision: { minImprovement: 0.01, baselineReplicates: 2, maxReplicates: 1 }
stop: { iterations: 3 }
`;

describe('code mode on the command line, from ask to a branch', { timeout: 120_000 }, () => {
  let folder: string;
  let url: string;
  let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
  const children: ChildProcess[] = [];
  const project = () => join(folder, 'project');
  const env = () => ({ NIGHTSHIFT_HOME: join(folder, 'home'), NIGHTSHIFT_SERVER: url });
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { env: env(), cwd: project() });
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
      cwd,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trimEnd();
  const commit = (change: (text: string) => string, message: string) => {
    const path = join(project(), 'train.mjs');
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    git(project(), 'commit', '--quiet', '-am', message);
    return git(project(), 'rev-parse', 'HEAD');
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift-code-'));
    mkdirSync(project());
    for (const [name, text] of [
      ['train.mjs', TRAIN],
      ['evaluate.mjs', EVALUATE],
      ['nightshift.yaml', SPEC],
    ] as const)
      writeFileSync(join(project(), name), text);
    git(project(), 'init', '--quiet', '-b', 'main');
    git(project(), 'add', '-A');
    git(project(), 'commit', '--quiet', '-m', 'Source');
    git(folder, 'clone', '--quiet', 'project', 'source');
    database = await createEmptyDatabase();
    const home = join(folder, 'home');
    const serve = startCli(['serve', '--port', '0', '--json'], {
      env: { NIGHTSHIFT_HOME: home, DATABASE_URL: database.url },
    });
    children.push(serve);
    ({ url } = JSON.parse(await firstLine(serve)) as { url: string });
    const { secret } = JSON.parse((await run('boxes', 'enrol', '--json')).out) as { secret: string };
    expect((await run('agent', 'enrol', '--server', url, '--token', secret, '--name', 'here')).code).toBe(0);
    children.push(startCli(['agent', 'run', '--json'], { env: env() }));
  });
  afterAll(async () => {
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await database.drop();
    // A runner that outlives its agent ends its job first, and writes here until then.
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  });

  /** Proposals can be handed in once the baseline's box has told the source. */
  async function started(): Promise<{ id: string; watching: Promise<CliResult> }> {
    const id = (await run('run')).out.trim();
    return { id, ...(await waitFor(id, 'baseline gain 10')) };
  }

  async function waitFor(id: string, news: string): Promise<{ watching: Promise<CliResult> }> {
    const child = startCli(['watch', id], { env: env() });
    const watching = resultOf(child);
    await printed(child, news);
    return { watching };
  }

  it('hands in commits and patches, and gives the kept ones back with the same ids everywhere', async () => {
    const base = git(project(), 'rev-parse', 'HEAD');
    const { id, watching } = await started();
    const asked = await run('ask', id, '--write', 'work');
    expect(asked).toMatchObject({ code: 0, err: expect.stringContaining(base.slice(0, 12)) });
    expect(readFileSync(join(project(), 'work/train.mjs'), 'utf8')).toBe(TRAIN);
    expect(readFileSync(join(project(), 'work/NIGHTSHIFT.md'), 'utf8')).toContain('===== train.mjs =====');

    const more = commit((text) => text.replace('steps = 10', 'steps = 30'), 'Train longer\n\nMore steps gain more.');
    expect(await run('tell', id, '--commit', more)).toMatchObject({
      code: 0,
      out: expect.stringContaining('iteration 1'),
    });
    writeFileSync(
      join(folder, 'bad.txt'),
      'train.mjs\n<<<<<<< SEARCH\nconst rate = 1;\n=======\nimport "node:net";\nconst rate = 1;\n>>>>>>> REPLACE\n',
    );
    expect(await run('tell', id, '--patch', join(folder, 'bad.txt'), '--reason', 'a socket')).toMatchObject({
      code: 20,
      out: expect.stringContaining('the rail imports'),
    });
    const worse = readFileSync(join(folder, 'bad.txt'), 'utf8').replace(
      'import "node:net";\nconst rate = 1;',
      'const rate = 0.5;',
    );
    const answered = await runCli(['tell', id, '--patch', '-', '--summary', 'Halve the rate', '--reason', 'calm'], {
      env: env(),
      stdin: worse,
    });
    expect(answered.code).toBe(0);
    expect(
      (
        await run(
          'tell',
          id,
          '--commit',
          commit((text) => text.replace('rate = 1;', 'rate = 2;'), 'Double the rate'),
        )
      ).code,
    ).toBe(0);
    const { out } = await watching;
    expect(out).toMatch(/1 +external +\+1 −1 Train longer .* kept\n/);
    expect(out).toMatch(/2 +external +\+1 −1 Halve the rate .* reverted\n/);

    git(project(), 'checkout', '--quiet', base);
    const here = await run('export', id, '--format', 'branch', '--json');
    expect(here).toMatchObject({ code: 0 });
    const { tip, commits, branch } = JSON.parse(here.out) as {
      tip: string;
      branch: string;
      commits: { iteration: number; subject: string }[];
    };
    expect(commits).toMatchObject([
      { iteration: 1, subject: 'Train longer' },
      { iteration: 3, subject: 'Double the rate' },
    ]);
    expect(git(project(), 'rev-parse', branch)).toBe(tip);
    expect(git(project(), 'rev-parse', `${branch}~2`)).toBe(base);
    // Elsewhere, and once more: the same ids.
    const elsewhere = join(folder, 'elsewhere');
    expect((await run('export', id, '--format', 'branch', '--repo', elsewhere)).out).toContain(
      `${tip.slice(0, 10)} Double the rate\n`,
    );
    expect((await run('export', id, '--format', 'branch', '--repo', elsewhere)).code).toBe(0);
    expect(git(elsewhere, 'rev-parse', branch)).toBe(tip);
    expect(git(elsewhere, 'for-each-ref', '--format=%(refname)')).toBe(`refs/heads/${branch}`);

    const bundle = join(folder, 'run.bundle');
    expect((await run('export', id, '--format', 'bundle', '-o', bundle)).code).toBe(0);
    git(project(), 'branch', '--quiet', '-D', branch);
    git(project(), 'fetch', '--quiet', bundle, `${branch}:${branch}`);
    expect(git(project(), 'rev-parse', branch)).toBe(tip);

    const mails = join(folder, 'run.mbox');
    expect((await run('export', id, '--format', 'patch', '-o', mails)).code).toBe(0);
    git(project(), 'am', '--quiet', mails);
    expect(readFileSync(join(project(), 'train.mjs'), 'utf8')).toBe(
      TRAIN.replace('10', '30').replace('rate = 1', 'rate = 2'),
    );

    expect((await run('export', id, '--format', 'branch', '--squash')).out.split('\n')).toHaveLength(2);
    expect(git(project(), 'rev-parse', `${branch}-squashed^{tree}`)).toBe(
      git(project(), 'rev-parse', `${branch}^{tree}`),
    );
    const rows = (await run('export', id, '--format', 'tsv', '--repo', '.')).out.split('\n').slice(1, -1);
    expect(rows.map((row) => row.split('\t')[0])).toEqual([
      base.slice(0, 7),
      expect.stringMatching(/^[1-9a-f][0-9a-f]{6}$|^0[0-9a-f]{6}$/),
      '0000002',
      tip.slice(0, 7),
    ]);
    expect(rows[1]).not.toContain('0000001');
    expect((await run('export', id, '--format', 'tsv')).out.split('\n').slice(1, -1)).toEqual(rows);
  });

  it('leaves a branch alone that is checked out or that somebody works on', async () => {
    const { items } = JSON.parse((await run('runs', '--json')).out) as { items: { id: string }[] };
    const branch = `nightshift/${items[0]?.id}`;
    git(project(), 'checkout', '--quiet', branch);
    const same = await run('export', '--format', 'branch');
    expect(same.code).toBe(0);
    const own = commit((text) => `${text}// mine\n`, 'My own work');
    expect(await run('export', '--format', 'branch')).toMatchObject({
      code: 64,
      err: expect.stringContaining('is checked out'),
    });
    git(project(), 'checkout', '--quiet', '--detach');
    expect(await run('export', '--format', 'branch')).toMatchObject({
      code: 64,
      err: expect.stringContaining('somebody else'),
    });
    expect(git(project(), 'rev-parse', branch)).toBe(own);
  });

  it('writes what a reviewer needs, and lists what came to nothing', async () => {
    const body = (await run('report', '--pr')).out;
    expect(body).toContain('## edited: 2 kept patches');
    // An evaluator of its own measures: nothing says otherwise.
    const report = (await run('report')).out;
    expect(report).toMatch(/^measurement +sealed$/m);
    expect(body + report + (await run('export', '--format', 'tsv')).out).not.toMatch(/unsealed/i);
    expect(body).toMatch(/\| 3 \| Double the rate \| 60 \| \+100% ± 0\.00 \| 1 \| \+1 −1 \|/);
    const failed = (await run('iterations', '--failed')).out;
    expect(failed).toMatch(/2 +external +\+1 −1 Halve the rate .* reverted/);
    expect(failed).not.toContain('Train longer');
    expect(JSON.parse((await run('iterations', '--json')).out)).toMatchObject({
      items: [{ number: 1, state: 'kept' }, {}, {}],
    });
  });

  it('uploads the working tree, as git would take it, and runs that', async () => {
    git(project(), 'checkout', '--quiet', '-f', 'main');
    git(project(), 'clean', '-fdq');
    const spec = SPEC.replace('../source', '.');
    writeFileSync(join(project(), 'upload.yaml'), spec);
    writeFileSync(join(project(), '.gitignore'), 'ignored.bin\n');
    writeFileSync(join(project(), 'ignored.bin'), Buffer.alloc(3_000_000));
    const first = await run('run', 'upload.yaml', '--upload');
    expect(first).toMatchObject({
      code: 0,
      err: expect.stringMatching(/Uploaded 5 files as [0-9a-f]{12}; \d KiB sent/),
    });
    const id = first.out.trim();
    // What the person does here afterwards is not what the box trains.
    writeFileSync(join(project(), 'train.mjs'), 'broken');
    await waitFor(id, 'baseline gain');
    expect((await run('ask', id, '--json')).out).toContain('"files":[{"path":"train.mjs"');
    expect((await run('stop', id)).code).toBe(0);
    git(project(), 'checkout', '--quiet', '--', 'train.mjs');
    const again = await run('run', 'upload.yaml', '--upload');
    expect(again.err).toContain('is there already');
    await run('stop', again.out.trim());
  });

  it('says where it can be done when it cannot be done here', async () => {
    const nowhere = mkdtempSync(join(folder, 'nowhere-'));
    expect(
      await runCli(['export', '--format', 'branch'], {
        env: { ...env(), GIT_CEILING_DIRECTORIES: folder },
        cwd: nowhere,
      }),
    ).toMatchObject({
      code: 64,
      err: expect.stringContaining('is in no git repository'),
    });
    expect(await run('tell', '--commit', 'HEAD', '--patch', 'x')).toMatchObject({
      code: 64,
      err: expect.stringContaining('--patch FILE'),
    });
  });
});
