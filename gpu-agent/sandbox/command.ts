import { existsSync, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { shellQuote } from '../runner/template.js';

export interface SandboxView {
  /** Paths that can be written: the folder of the phase and the file of its metrics. */
  writable: string[];
  /** Paths that must be seen even where a hidden folder is around them: the source, what setup made. */
  readable: string[];
  hidden: string[];
  /** The folder that stands in for /tmp. */
  tmp: string;
  cwd: string;
  hasNetwork: boolean;
}

/** Device nodes that computing needs; everything else of /dev is the sandbox's own. */
const DEVICES = /^(?:nvidia.*|nvhost.*|nvmap|dri|kfd)$/;
/** Pieces of /run that programs of any kind expect. */
const RUN = ['/run/nvidia-persistenced', '/run/opengl-driver', '/run/current-system'];

/**
 * The shell command that runs another one under bubblewrap: the whole file system read-only, hidden paths empty, process,
 * IPC and (unless allowed) network namespaces of its own, dead as soon as its parent is.
 */
export function sandboxCommand(bwrap: string, view: SandboxView, command: string): string {
  const args = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', ...kernelReadOnly()];
  for (const name of readdirSync('/dev').filter((name) => DEVICES.test(name)))
    args.push('--dev-bind', `/dev/${name}`, `/dev/${name}`);
  const mounts: { path: string; args: string[] }[] = [{ path: '/tmp', args: ['--bind', view.tmp, '/tmp'] }];
  const folders: string[] = [];
  for (const path of real(view.hidden)) {
    if (path === '/' || path === '/tmp') continue;
    const isFolder = statSync(path).isDirectory();
    if (isFolder) folders.push(path);
    mounts.push({ path, args: isFolder ? ['--tmpfs', path] : ['--ro-bind', '/dev/null', path] });
  }
  const covers = [...folders, '/tmp'];
  const run = view.hasNetwork ? [...RUN, '/run/systemd/resolve'] : RUN;
  for (const path of real([...view.readable, ...run]))
    // Where nothing covers it, it is seen already, and binding it again would uncover what is hidden inside it.
    if (covers.some((cover) => path.startsWith(cover + sep))) mounts.push({ path, args: ['--ro-bind', path, path] });
  for (const path of real(view.writable)) mounts.push({ path, args: ['--bind', path, path] });
  // The deeper path comes later and wins, so that a secret inside a shown folder stays hidden, and the other way round.
  mounts.sort((a, b) => depth(a.path) - depth(b.path));
  for (const mount of mounts) args.push(...mount.args);
  for (const path of folders) args.push('--remount-ro', path);
  args.push('--unshare-user-try', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try');
  if (!view.hasNetwork) args.push('--unshare-net');
  args.push(
    '--cap-drop',
    'ALL',
    '--die-with-parent',
    '--chdir',
    realpathSync(view.cwd),
    '--',
    '/bin/sh',
    '-c',
    command,
  );
  return `exec ${[bwrap, ...args].map(shellQuote).join(' ')}`;
}

/**
 * The machine's part of /proc (sys, irq, bus, sysrq-trigger, …) read-only. Root's files there can be written by root in any
 * namespace, without a capability, and what is written is the host's.
 */
export function kernelReadOnly(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\D/.test(name) && isWritable(join('/proc', name)))
    .flatMap((name) => ['--ro-bind', join('/proc', name), join('/proc', name)]);
}

/** Folders are, whatever their mode says: it does not speak of the files in them. */
function isWritable(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (stat.isDirectory() || (stat.isFile() && (stat.mode & 0o222) !== 0));
}

function depth(path: string): number {
  return path.split(sep).length;
}

/** The paths that exist, each once and without symbolic links: a mount cannot go through one. */
function real(paths: readonly string[]): string[] {
  return [...new Set(paths.filter((path) => existsSync(path)).map((path) => realpathSync(path)))];
}
