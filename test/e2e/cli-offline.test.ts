import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSpec, readSpecYaml } from '@nightshift/protocol';
import { runCli } from './cli-process.js';

const policy = (name: string) => fileURLToPath(new URL(`../policy/${name}`, import.meta.url));
const bench = ['policy', 'bench', policy('cases.json'), '--menu', policy('menu.json')];

describe('the command line without a control plane', () => {
  let folder: string;
  const file = (name: string) => join(folder, name);
  const write = (name: string, text: string) => {
    writeFileSync(file(name), text);
    return file(name);
  };
  const run = (args: string[], options: { stdin?: string; env?: Record<string, string> } = {}) =>
    runCli(args, { ...options, cwd: folder, env: { NIGHTSHIFT_HOME: file('home'), ...options.env } });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift-cli-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('explains itself, and ends well after --help and --version', async () => {
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const name of ['serve', 'agent', 'init', 'run', 'watch', 'runs', 'logs', 'boxes', 'pause', 'resume', 'stop'])
      expect(help.out).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [['bogus'], "unknown command 'bogus'"],
    [['run', '--bogus'], "unknown option '--bogus'"],
    [['serve', '--port', '70000'], '0 to 65535'],
    [['analyze'], "missing required argument 'file'"],
    [['analyze', 'none.jsonl'], 'there is no such file'],
    [['policy', 'bench', 'x.json'], '--menu'],
    [['run', 'none.yaml'], 'there is no none.yaml'],
    [['report', '--format', 'pdf'], 'text, markdown, html'],
    [['token', 'revoke', 'nst_secret'], 'not its secret'],
    [['login', '--server', 'nonsense'], 'It needs a URL'],
  ])('refuses %j with 64 and a line that helps', async (args, message) => {
    const { code, out, err } = await run(args);
    expect({ code, out }).toEqual({ code: 64, out: '' });
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('says which variable of the environment is wrong', async () => {
    const { code, err } = await run(['runs'], { env: { NIGHTSHIFT_PORT: 'x' } });
    expect(code).toBe(64);
    expect(err).toContain('NIGHTSHIFT_PORT: needs a port number');
  });

  it('ends with 69 and says what to do when nobody answers', async () => {
    const { code, err } = await run(['runs', '--server', 'http://127.0.0.1:1']);
    expect(code).toBe(69);
    expect(err).toContain('does not answer at http://127.0.0.1:1');
    expect(err).toContain('nightshift serve');
  });

  it('writes a spec that is valid, and never over another', async () => {
    expect((await run(['init', 'project'])).code).toBe(0);
    const path = file('project/nightshift.yaml');
    const text = readFileSync(path, 'utf8');
    expect(parseSpec(readSpecYaml(text).value).name).toBe('project');
    const again = await run(['init', 'project']);
    expect(again.code).toBe(64);
    expect(again.err).toContain('stays as it is');
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it('names file, line, column and key of what is wrong with a spec', async () => {
    const text = readFileSync(file('project/nightshift.yaml'), 'utf8').replace('budget: 300s', 'budgt: 300');
    const path = write('broken.yaml', text);
    const { code, err } = await run(['run', path]);
    expect(code).toBe(64);
    expect(err).toMatch(/broken\.yaml:\d+:3 job\.budgt: .*did you mean "budget"/);
  });

  it('benches the shipped suite of the rails', async () => {
    const { code, out } = await run([...bench, '--history', policy('history.jsonl'), '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ blockRecall: 1, cleanPassRate: 1, railAttribution: 1, failures: [] });
  });

  it('ends a bench with 1 when a figure is below 1, and names the cases', async () => {
    // Without the history no repeat can be known.
    const { code, out } = await run([...bench, '--json']);
    expect(code).toBe(1);
    const result = JSON.parse(out) as { blockRecall: number; failures: { id: string }[] };
    expect(result.blockRecall).toBeLessThan(1);
    expect(result.failures.map(({ id }) => id.split('-')[0])).toContain('repeat');
    expect((await run(bench)).out).toContain('Wrong\n');
  });

  it('checks one proposal: 0 when it passes, 20 when a rail blocks it', async () => {
    const check = (proposal: string) =>
      run(['policy', 'check', '--menu', policy('menu.json'), '--proposal', proposal, '--json']);
    const good = await check('{"knob":"depth","new_value":20,"reason":"deeper"}');
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toMatchObject({ verdict: 'pass', config: { depth: 20 } });
    const bad = await check('{"knob":"depth","new_value":2000,"reason":"deeper"}');
    expect(bad.code).toBe(20);
    expect(JSON.parse(bad.out)).toMatchObject({ verdict: 'block', rail: 'range' });
  });

  it('analyses a trajectory in words, in JSON and as a page', async () => {
    const words = await run(['analyze', policy('history.jsonl'), '--menu', policy('menu.json')]);
    expect(words.code).toBe(0);
    expect(words.out).toContain('Health: ');
    const page = file('report.html');
    const json = await run(['analyze', '-', '--json', '--report', page], {
      stdin: readFileSync(policy('history.jsonl'), 'utf8'),
    });
    expect(JSON.parse(json.out)).toMatchObject({ baseline: { value: 1.9042 }, knobs: { total: null } });
    expect(readFileSync(page, 'utf8')).toContain('<svg');
  });

  it('does not take anything for a trajectory', async () => {
    const { code, err } = await run(['analyze', write('prose.txt', 'Dear diary\n')]);
    expect(code).toBe(64);
    expect(err).toContain('line 1: not a trajectory');
  });

  it('knows that this machine is no box yet', async () => {
    const status = await run(['agent', 'status', '--json']);
    expect(JSON.parse(status.out)).toMatchObject({ boxId: null, pid: null, jobs: [] });
    const start = await run(['agent', 'run']);
    expect(start.code).toBe(64);
    expect(start.err).toContain('nightshift agent enrol');
  });
});
