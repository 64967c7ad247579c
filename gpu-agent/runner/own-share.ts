/** Figures of one disk around a job, all in bytes or all in files. */
export interface DiskFigures {
  /** What was free when it began, at the worst since, just before the job's folders are deleted, and when they are gone. */
  start: number;
  low: number;
  before: number;
  after: number;
  /** What lay in the job's folders when it began, and what lies there at its end. */
  lay: number;
  lies: number;
  /** False on a box with several slots: space that comes back may be another job's. */
  isAlone: boolean;
}

/**
 * What a job took of its disk, never more than what went. Alone it is what came back since the worst reading, less what lay there before
 * and comes back with it. What lies there and does not come back is shared with files elsewhere (reflinks, hard links): a copy of the
 * source that gives nothing back is taken off only as far as the folders did not grow. Null where it comes to more than twice what went:
 * files of elsewhere were moved or linked in, and who took the space cannot be told. Pure.
 */
export function ownShare({ start, low, before, after, lay, lies, isAlone }: DiskFigures): number | null {
  const grown = Math.max(0, lies - lay);
  const least = after - low - lay;
  const shared = Math.max(0, lies - Math.max(0, after - before));
  const most = after - low - Math.max(0, lay - shared);
  const own = isAlone ? Math.min(most, Math.max(least, grown)) : grown;
  const went = wentSince({ start, low });
  return own > 2 * went ? null : Math.min(went, Math.max(0, own));
}

export function wentSince({ start, low }: Pick<DiskFigures, 'start' | 'low'>): number {
  return Math.max(0, start - low);
}
