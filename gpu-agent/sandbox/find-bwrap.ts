import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { kernelReadOnly } from './command.js';

export type SandboxTool =
  | { bwrap: string }
  /** Why edited code cannot be sandboxed here, and the command that changes that. */
  | { problem: string; fix: string };

/** A trial takes some milliseconds; longer means that namespaces hang, which is as good as not having them. */
const TRIAL_MS = 5000;

let found: SandboxTool | undefined;

/** Bubblewrap, if it is here and works: a trial run is the only way to know whether namespaces are allowed. A success is remembered. */
export function findBwrap(env: NodeJS.ProcessEnv): SandboxTool {
  if (found && 'bwrap' in found) return found;
  found = look(env);
  return found;
}

function look(env: NodeJS.ProcessEnv): SandboxTool {
  if (process.platform !== 'linux')
    return { problem: `there is no sandbox for ${process.platform}`, fix: 'run edited code on a Linux box' };
  const bwrap = (env['PATH'] ?? '/usr/bin:/bin')
    .split(delimiter)
    .map((folder) => join(folder, 'bwrap'))
    .find(isExecutable);
  if (!bwrap) return { problem: 'bubblewrap is not installed', fix: 'sudo apt-get install -y bubblewrap' };
  try {
    execFileSync(bwrap, [...TRIAL_VIEW, ...kernelReadOnly(), ...TRIAL_SPACES, 'true'], {
      timeout: TRIAL_MS,
      stdio: ['ignore', 'ignore', 'pipe'],
      env,
    });
    return { bwrap };
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? '')
      .trim()
      .split('\n')
      .pop();
    return {
      problem: `bubblewrap does not work here: ${(said || String(error)).slice(0, 300)}`,
      // Ubuntu 24.04 and DGX OS 7 let only named programs make user namespaces.
      fix: 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 kernel.unprivileged_userns_clone=1',
    };
  }
}

const TRIAL_VIEW = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--tmpfs', '/tmp'];
const TRIAL_SPACES = [
  '--unshare-user-try',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-net',
  '--die-with-parent',
  '--',
];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
