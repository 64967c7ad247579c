import { join } from 'node:path';
import type { JobDir } from '../spool/job-dir.js';
import { changedSpace, type TakenSpace } from '../workspace/changed-space.js';
import type { Ending } from './classify.js';
import { discard } from './code-job.js';
import type { DiskUse } from './disk-use.js';

/** Where programs keep what they may make again. */
const CACHES =
  /^(?:XDG_CACHE_HOME|UV_CACHE_DIR|PIP_CACHE_DIR|HF_HOME|HF_HUB_CACHE|HF_DATASETS_CACHE|TORCH_HOME|TORCHINDUCTOR_CACHE_DIR|TRITON_CACHE_DIR|CUDA_CACHE_PATH)$/;

export interface DiskBlame {
  disk: DiskUse;
  dir: JobDir;
  home: string;
  /** Temporary folders of its phases that were left for this account. */
  temporaries: readonly string[];
  /** False on a box that runs several jobs at a time. */
  isAlone: boolean;
  /** What had begun when the disk was short. */
  part: 'workspace' | 'setup' | 'train';
  /** The job's environment; null where a sandbox let it write nowhere but into its own folder. */
  env: Readonly<Record<string, string | undefined>> | null;
}

/**
 * Says who filled the disk of a job that ended for want of space, and gives back what it left. Call it when nothing of it runs.
 * Training that took the space itself failed itself; a setup that did has failed; a disk that others filled is the box's.
 */
export function blameDisk(ending: Ending, { disk, dir, home, part, env, temporaries, isAlone }: DiskBlame): Ending {
  if (ending.reason !== 'disk_full') return ending;
  const own = [...foldersOf(dir), ...temporaries];
  const { isOwn, words } = disk.account({
    isAlone,
    lies: (device) => changedSpace(own, device, { sinceMs: 0 }),
    clear: () => own.forEach(discard),
    kept: (device, sinceMs) => changedSpace([dir.path, ...cacheFolders(home, env)], device, { sinceMs }),
  });
  if (!isOwn || part === 'workspace') return { ...ending, detail: `${ending.detail}; ${words}`.slice(0, 4000) };
  return {
    reason: part === 'setup' ? 'setup_failed' : 'disk_filled',
    detail: `${words}; ${ending.detail}`.slice(0, 4000),
  };
}

/** What lies in the folders that go with the job's end: those of `blameDisk`, before anything was trained. */
export function lyingSpace(dir: JobDir, device: number): TakenSpace {
  return changedSpace(foldersOf(dir), device, { sinceMs: 0 });
}

function foldersOf(dir: JobDir): string[] {
  return [dir.work, dir.evaluation, dir.probe];
}

/** Where a job with this environment keeps what stays. */
export function cacheFolders(home: string, env: DiskBlame['env']): string[] {
  if (!env) return [];
  const named = Object.entries(env).filter(([name]) => CACHES.test(name));
  const folders = [join(home, 'cache'), ...(env['HOME'] ? [join(env['HOME'], '.cache')] : [])];
  return [...folders, ...named.map(([, path]) => path ?? '').filter((path) => path.startsWith('/'))];
}
