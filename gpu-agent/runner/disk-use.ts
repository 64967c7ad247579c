import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { diskSpace, type DiskSpace } from '../telemetry/host.js';
import type { TakenSpace } from '../workspace/changed-space.js';
import { ownShare, wentSince } from './own-share.js';

/** The disk of the temporary folder, where that is another one, may be a small one that is mostly full: it is short when there is nothing left. */
const TEMPORARY_FLOOR_BYTES = 1_048_576;
/** Some file systems give deleted space back with their next commit only. Shorter misses it there; longer only delays the account. */
const COMMIT_MS = 10_000;
const NOTHING: TakenSpace = { bytes: 0, files: 0 };

interface Place {
  path: string;
  floorBytes: number;
  start: DiskSpace | null;
  /** The least that was seen since the start: for the account. Whether a job goes on is for what is free now. */
  low: DiskSpace | null;
  /** What lay in the job's folders at the start. */
  lay: TakenSpace;
  /** Its first reading said that it has room for no file at all: it does not count them. */
  isUncounted: boolean;
}
export interface LeftByJob {
  isAlone: boolean;
  lies: (disk: number) => TakenSpace;
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
  /** Folders of caches on other disks, by disk, and the first that was read to be short. */
  readonly #caches = new Map<number, string>();
  #shortCache: string | null = null;
  #since = 'it';
  #sinceMs = 0;

  constructor(
    paths: { job: string; temporary: string | null },
    floorBytes: number,
    private readonly read: (path: string) => DiskSpace | null = diskSpace,
    caches: readonly string[] = [],
  ) {
    const place = (path: string, floor: number): Place => ({
      path,
      floorBytes: floor,
      start: null,
      low: null,
      lay: NOTHING,
      isUncounted: read(path)?.files === 0,
    });
    this.#places = [place(paths.job, floorBytes)];
    if (paths.temporary !== null && diskOf(paths.temporary) !== diskOf(paths.job))
      this.#places.push(place(paths.temporary, Math.min(floorBytes, TEMPORARY_FLOOR_BYTES)));
    this.begin('it');
    for (const path of caches) {
      const disk = diskOf(path);
      if (disk === null || this.#places.some((place) => diskOf(place.path) === disk)) continue;
      const now = read(path);
      if (now && now.files !== 0 && !this.#caches.has(disk)) this.#caches.set(disk, path);
    }
  }

  /** Call it when a phase has ended: a mount that hangs would hold up the guard. Nothing is ended for these disks. */
  lookAtCaches(): void {
    for (const path of this.#caches.values()) {
      const now = this.read(path);
      if (now && (now.bytes <= TEMPORARY_FLOOR_BYTES || now.files === 0)) this.#shortCache ??= path;
    }
  }

  /**
   * From here on what is written counts: what made the job ready is not blamed on what it runs.
   * @param lies what lies in the job's folders now; left out where there is nothing yet.
   */
  begin(what: string, lies: LeftByJob['lies'] = () => NOTHING): void {
    this.#since = what;
    this.#sinceMs = Date.now();
    for (const place of this.#places) {
      const disk = diskOf(place.path);
      place.lay = disk === null ? NOTHING : lies(disk);
      place.start = place.low = this.#readingOf(place);
    }
  }

  /** Takes a reading; says why the job must end when its own disk is short now. What was short and is not any more ends nothing. */
  look(): string | null {
    const readings = this.#places.map((place) => this.#take(place));
    const own = this.#places[0] as Place;
    const now = readings[0] as DiskSpace | null;
    if (!isShortOf(now, own)) return null;
    if (now.files === 0) return "the box's disk took no more files: the job was ended";
    const left = `only ${size(now.bytes)} were left on the box's disk (floor ${size(own.floorBytes)})`;
    return `${left}: the job was ended before the disk was full`;
  }

  /** Whether a disk of the job was short at any reading. What a job prints is no measurement. */
  get isShort(): boolean {
    return this.#shortCache !== null || this.#places.some(wasShort);
  }

  #readingOf(place: Place): DiskSpace | null {
    const now = this.read(place.path);
    return now && place.isUncounted ? { ...now, files: null } : now;
  }
  #take(place: Place): DiskSpace | null {
    const now = this.#readingOf(place);
    if (now) place.low = place.low ? least(place.low, now) : now;
    return now;
  }

  /**
   * Call it when nothing of the job runs any more.
   * @param left.isAlone no other job runs here: whatever comes back is this one's.
   * @param left.lies what lies in the folders that `clear` deletes.
   * @param left.kept what was written since to places that stay; asked only when the rest does not explain what went.
   */
  account(left: LeftByJob): DiskAccount {
    this.look();
    if (this.#shortCache !== null && !this.#places.some(wasShort)) {
      left.clear();
      return { isOwn: false, words: `the disk of ${this.#shortCache} was full, which is the box's` };
    }
    const place = this.#places.find(wasShort) ?? (this.#places[0] as Place);
    const { path, start, low, lay, floorBytes } = place;
    const disk = diskOf(path);
    if (disk === null || !start || !low) {
      left.clear();
      return { isOwn: false, words: 'the disk could not be measured' };
    }
    const kind = low.files === 0 ? 'files' : 'bytes';
    const of = (space: DiskSpace) => space[kind] ?? 0;
    const lies = left.lies(disk)[kind];
    const before = this.#readingOf(place) ?? low;
    left.clear();
    spawnSync('sync', ['-f', path], { stdio: 'ignore', timeout: COMMIT_MS });
    const after = this.#readingOf(place) ?? low;
    const free = { start: of(start), low: of(low), before: of(before), after: of(after) };
    const taken = wentSince(free);
    const share = ownShare({ ...free, lay: lay[kind], lies, isAlone: left.isAlone });
    if (share === null && taken > 0)
      return { isOwn: false, words: 'more was in its folder than went from the disk: who took it cannot be told' };
    let own = share ?? 0;
    if (own * 2 < taken) own = Math.min(taken, own + left.kept(disk, this.#sinceMs)[kind]);
    const floor = kind === 'files' ? 0 : floorBytes;
    const isOwn = wasShort(place) && own * 2 >= taken && free.low + own > floor;
    const show = (amount: number) => (kind === 'files' ? String(amount) : size(amount));
    const wrote = `${show(own)} of the ${show(free.start)}${kind === 'files' ? ' files' : ''}`;
    return { isOwn, words: `the job wrote ${wrote} that were free when ${this.#since} began` };
  }
}

function wasShort(place: Place): boolean {
  return isShortOf(place.low, place);
}
function isShortOf(space: DiskSpace | null, { floorBytes }: Place): space is DiskSpace {
  return space !== null && (space.bytes <= floorBytes || space.files === 0);
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
