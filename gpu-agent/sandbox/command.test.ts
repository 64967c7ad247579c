import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { sandboxCommand } from './command.js';
import { findBwrap } from './find-bwrap.js';

const tool = findBwrap(process.env);
const bwrap = 'bwrap' in tool ? tool.bwrap : null;

function inSandbox(command: string): string {
  const cwd = temporaryFolder('view');
  const view = { cwd, tmp: temporaryFolder('tmp'), hasNetwork: false, writable: [cwd], readable: [], hidden: [] };
  return execFileSync('/bin/sh', ['-c', sandboxCommand(bwrap ?? '', view, command)], { encoding: 'utf8' });
}

// Each value is written back as it is read, so that a failing test changes nothing on the machine.
test.runIf(bwrap !== null)("the machine's settings can be read and not written, by root neither", () => {
  const names = ['kernel/core_pattern', 'vm/overcommit_memory', 'kernel/randomize_va_space'];
  for (const name of names) {
    const path = `/proc/sys/${name}`;
    const before = readFileSync(path, 'utf8');
    const said = inSandbox(
      `value=$(cat ${path}) && { (printf '%s\\n' "$value" > ${path}) 2>&1 || true; } && cat ${path}`,
    );
    expect(said).toMatch(/Read-only file system|Permission denied/);
    expect(said.endsWith(before)).toBe(true);
  }
});
test.runIf(bwrap !== null)('of /proc only processes are mounted to be written', () => {
  const mounts = inSandbox('cat /proc/self/mounts').split('\n');
  const below = mounts.map((line) => line.split(' ')).filter(([, path]) => path?.startsWith('/proc/'));
  const isReadOnly = (options = '') => options.split(',').includes('ro');
  expect(below.filter(([, , , options]) => !isReadOnly(options)).map(([, path]) => path)).toEqual([]);
  expect(below.map(([, path]) => path)).toEqual(
    expect.arrayContaining(
      ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'].filter((path) => existsSync(path)),
    ),
  );
});
