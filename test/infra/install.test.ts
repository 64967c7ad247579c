import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../infra/install.sh', import.meta.url));
const shipped = fileURLToPath(new URL('../../infra/systemd/nightshift-agent.service', import.meta.url));

describe('infra/install.sh', () => {
  let home: string;
  let calls: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "nightshift-in'stall-"));
    calls = join(home, 'calls');
    mkdirSync(join(home, 'tools'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const tool = (name: string, body: string) => {
    writeFileSync(join(home, 'tools', name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(home, 'tools', name), 0o755);
  };
  const withSystemd = (linger: 'yes' | 'no') => {
    tool('systemctl', `echo "$*" >> '${calls.replaceAll("'", `'\\''`)}'`);
    tool('loginctl', `echo ${linger}`);
  };
  const install = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('sh', [script, ...args], {
      encoding: 'utf8',
      env: { HOME: home, PATH: `${join(home, 'tools')}:${process.env.PATH}` },
    });
    return { status, out: stdout, err: stderr };
  };
  const unit = () => join(home, '.config/systemd/user/nightshift-agent.service');
  const command = () => join(home, '.nightshift/bin/nightshift');
  const isEnrolled = () => {
    mkdirSync(join(home, '.nightshift/agent'), { recursive: true });
    writeFileSync(join(home, '.nightshift/agent/agent.json'), '{}', { mode: 0o600 });
  };

  test('makes a command that works from anywhere, and a service where there is a manager for users', () => {
    withSystemd('no');
    isEnrolled();
    const { status, out } = install('--slots', '2');
    expect(status).toBe(0);
    expect(execFileSync(command(), ['--version'], { encoding: 'utf8', env: {} })).toMatch(/^\d+\.\d+\.\d+/);
    expect(statSync(join(home, '.nightshift')).mode & 0o777).toBe(0o700);
    expect(readFileSync(unit(), 'utf8')).toBe(readFileSync(shipped, 'utf8'));
    const own = readFileSync(`${unit()}.d/install.conf`, 'utf8');
    expect(own).toContain(
      'ExecStart=\nExecStart=%h/.nightshift/bin/nightshift agent run --home %h/.nightshift/agent --slots 2',
    );
    expect(own).toContain(`Environment="PATH=${join(home, 'tools')}:`);
    expect(readFileSync(calls, 'utf8').trim().split('\n')).toEqual([
      '--user show-environment',
      '--user daemon-reload',
      '--user enable nightshift-agent.service',
      '--user restart nightshift-agent.service',
    ]);
    expect(out).toContain('loginctl enable-linger');
  });

  test('changes nothing when it is run again, and says nothing of lingering that is allowed', () => {
    withSystemd('yes');
    isEnrolled();
    install();
    const before = [readFileSync(command(), 'utf8'), readFileSync(`${unit()}.d/install.conf`, 'utf8')];
    const { status, out } = install();
    expect(status).toBe(0);
    expect([readFileSync(command(), 'utf8'), readFileSync(`${unit()}.d/install.conf`, 'utf8')]).toEqual(before);
    expect(out).not.toContain('enable-linger');
  });

  test('says how to run the agent where there is no manager, and how to enrol', () => {
    tool('systemctl', 'exit 1');
    const { status, out } = install();
    expect(status).toBe(0);
    expect(existsSync(unit())).toBe(false);
    expect(out).toContain('agent enrol --server URL --token TOKEN');
    expect(out).toContain('tmux new-session');
  });

  test('takes everything away again but what the box had', () => {
    withSystemd('yes');
    isEnrolled();
    install();
    const { status, out } = install('--uninstall');
    expect(status).toBe(0);
    expect([existsSync(unit()), existsSync(`${unit()}.d`), existsSync(command())]).toEqual([false, false, false]);
    expect(existsSync(join(home, '.nightshift/agent/agent.json'))).toBe(true);
    expect(out).toContain('stays');
    expect(readFileSync(calls, 'utf8')).toContain('--user disable --now nightshift-agent.service');
    expect(install('--uninstall').status).toBe(0);
  });

  test('refuses an old Node and what it does not know, before anything is written', () => {
    tool('node', 'case $1 in -p) echo 18 ;; *) echo v18.20.0 ;; esac');
    const old = install();
    expect(old.status).toBe(1);
    expect(old.err).toContain('this is v18.20.0');
    expect(install('--slots', '0').status).toBe(64);
    expect(install('--what').status).toBe(64);
    expect(existsSync(join(home, '.nightshift'))).toBe(false);
  });
});
