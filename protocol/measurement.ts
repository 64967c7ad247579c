import type { Spec } from './spec.js';

/**
 * Who takes the number that decides, in code mode. sealed: an evaluator that no patch can reach. unsealed: the edited files evaluate
 * themselves, so that nothing but the rails stands between an edit and a flattering number.
 */
export const MEASUREMENTS = ['sealed', 'unsealed'] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/**
 * Sealed, and yet an evaluator that runs or reads edited files lets a patch speak in its place: said as it was seen in the source, or
 * as it may be while nobody has looked (null). Null when there is nothing to beware of.
 */
export function evaluatorWarning(spec: Pick<Spec, 'edit' | 'job'>, reads: readonly string[] | null): string | null {
  const given = editedForEvaluator(spec);
  const cure = "List edit.artifacts without them, and it reads the source's own";
  if (reads !== null && reads.length > 0)
    return `The evaluator reads edited files (${reads.join(', ')}): a patch can speak in its place, and only the rails stand between. ${cure}.`;
  if (reads !== null || given.length === 0) return null;
  return `The evaluator gets the edited files (${given.join(', ')}), and can be lied to if it runs or reads them. ${cure}.`;
}

/** The folder that a run came from is another by now; null when nobody has seen that. */
export function sourceWarning(changed: string | null): string | null {
  if (changed === null) return null;
  return `The source is no longer what the run began with and goes on with (${changed}): no edit there has an effect on this run.`;
}

/** The editable files that the evaluator's folder holds as the patch has them. */
export function editedForEvaluator({ edit, job }: Pick<Spec, 'edit' | 'job'>): string[] {
  if (edit === null || job.evaluate === null) return [];
  const { artifacts } = edit;
  return edit.files.filter((path) => artifacts === null || artifacts.includes(path));
}

/** Null in menu mode, where nothing that measures is edited. */
export function measurementOf(spec: Pick<Spec, 'edit' | 'job'>): Measurement | null {
  if (spec.edit === null) return null;
  return spec.job.evaluate === null ? 'unsealed' : 'sealed';
}

/** What `unsealed` means, for whoever reads a number that was taken so. */
export const UNSEALED_WARNING =
  'Unsealed: the edited files evaluate themselves, so that nothing but the rails stands between a patch and its number.';
