import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { diskSpace, type DiskSpace } from '../telemetry/host.js';
import type { TakenSpace } from '../workspace/changed-space.js';

/** The disk of the temporary folder, where that is another one, may be a small one that is mostly full: it is short when there is nothing left. */
const TEMPORARY_FLOOR_BYTES = 1_048_576;
/** Some file systems give deleted space back with their next commit only. Shorter misses it there; longer only delays the account. */
const COMMIT_MS = 10_000;

interface Place {
  path: string;
  floorBytes: number;
  start: DiskSpace | null;
  /** The least that was seen since the start. */
  low: DiskSpace | null;
}
export interface LeftByJob {
  isAlone: boolean;
  lies: (disk: number, when: { beforeMs: number } | { sinceMs: number }) => TakenSpace;
  clear: () => void;
  kept: (disk: number, sinceMs: number) => TakenSpace;
}
export interface DiskAccount {
  /** The job took the larger part of what went, and without it the disk would not have been short. */
  isOwn: boolean;
  /** What it wrote, against what was free. */
  words: string;
}

/**
 * Watches the disks that a job writes to, and measures at its end who took the space: the job took what comes back when its processes
 * are gone and its folder is deleted (beside other jobs: what lies there), and what it wrote into caches that stay.
 */
export class DiskUse {
  readonly #places: Place[];
  #since = 'it';
  #sinceMs = 0;

  constructor(
    paths: { job: string; temporary: string | null },
    floorBytes: number,
    private readonly read: (path: string) => DiskSpace | null = diskSpace,
  ) {
    const place = (path: string, floor: number) => ({ path, floorBytes: floor, start: null, low: null });
    this.#places = [place(paths.job, floorBytes)];
    if (paths.temporary !== null && diskOf(paths.temporary) !== diskOf(paths.job))
      this.#places.push(place(paths.temporary, Math.min(floorBytes, TEMPORARY_FLOOR_BYTES)));
    this.begin('it');
  }

  /** From here on what is written counts: what made the job ready is not blamed on what it runs. */
  begin(what: string): void {
    this.#since = what;
    this.#sinceMs = Date.now();
    for (const place of this.#places) place.start = place.low = this.read(place.path);
  }

  /** Takes a reading; says why the job must end when its own disk is short. */
  look(): string | null {
    for (const place of this.#places) {
      const now = this.read(place.path);
      if (now) place.low = place.low ? least(place.low, now) : now;
    }
    const own = this.#places[0] as Place;
    if (!isShort(own)) return null;
    if (isOutOfFiles(own)) return "the box's disk took no more files: the job was ended";
    const left = `only ${size(own.low?.bytes ?? 0)} were left on the box's disk (floor ${size(own.floorBytes)})`;
    return `${left}: the job was ended before the disk was full`;
  }

  /** Whether a disk of the job was short at any reading. What a job prints is no measurement. */
  get isShort(): boolean {
    return this.#places.some(isShort);
  }

  /**
   * Call it when nothing of the job runs any more.
   * @param left.isAlone no other job runs here: whatever comes back is this one's.
   * @param left.lies what lies in the folders that `clear` deletes, of files that changed before or since a moment.
   * @param left.kept what was written since to places that stay; asked only when the rest does not explain what went.
   */
  account(left: LeftByJob): DiskAccount {
    this.look();
    const place = this.#places.find(isShort) ?? (this.#places[0] as Place);
    const { path, start, low, floorBytes } = place;
    const disk = diskOf(path);
    if (disk === null || !start || !low) {
      left.clear();
      return { isOwn: false, words: 'the disk could not be measured' };
    }
    const kind = isOutOfFiles(place) ? 'files' : 'bytes';
    const of = (space: DiskSpace) => space[kind] ?? 0;
    const lay = left.lies(disk, left.isAlone ? { beforeMs: this.#sinceMs } : { sinceMs: this.#sinceMs })[kind];
    left.clear();
    spawnSync('sync', ['-f', path], { stdio: 'ignore', timeout: COMMIT_MS });
    const now = this.read(path) ?? low;
    const taken = Math.max(0, of(start) - of(low));
    let own = left.isAlone ? Math.max(0, of(now) - of(low) - lay) : lay;
    if (own * 2 < taken) own += left.kept(disk, this.#sinceMs)[kind];
    const floor = kind === 'files' ? 0 : floorBytes;
    const isOwn = isShort(place) && own * 2 >= taken && of(low) + own > floor;
    const show = (amount: number) => (kind === 'files' ? String(amount) : size(amount));
    const wrote = `${show(own)} of the ${show(of(start))}${kind === 'files' ? ' files' : ''}`;
    return { isOwn, words: `the job wrote ${wrote} that were free when ${this.#since} began` };
  }
}

function isOutOfFiles({ low }: Place): boolean {
  return low?.files === 0;
}
function isShort(place: Place): boolean {
  return place.low !== null && (place.low.bytes <= place.floorBytes || isOutOfFiles(place));
}
function least(a: DiskSpace, b: DiskSpace): DiskSpace {
  const files = a.files === null || b.files === null ? b.files : Math.min(a.files, b.files);
  return { bytes: Math.min(a.bytes, b.bytes), files };
}
function diskOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.dev ?? null;
}

/** As people say it: MiB, from 10 GiB on GiB. */
function size(bytes: number): string {
  return bytes < 10 * 2 ** 30 ? `${round(bytes / 2 ** 20)} MiB` : `${round(bytes / 2 ** 30)} GiB`;
}
function round(value: number): number {
  return Math.round(value * 10) / 10;
}
