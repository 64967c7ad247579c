import type { Spec } from './spec.js';

/**
 * Who takes the number that decides, in code mode. sealed: an evaluator that no patch can reach. unsealed: the edited files evaluate
 * themselves, so that nothing but the rails stands between an edit and a flattering number.
 */
export const MEASUREMENTS = ['sealed', 'unsealed'] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** Null in menu mode, where nothing that measures is edited. */
export function measurementOf(spec: Pick<Spec, 'edit' | 'job'>): Measurement | null {
  if (spec.edit === null) return null;
  return spec.job.evaluate === null ? 'unsealed' : 'sealed';
}

/** What `unsealed` means, for whoever reads a number that was taken so. */
export const UNSEALED_WARNING =
  'Unsealed: the edited files evaluate themselves, so that nothing but the rails stands between a patch and its number.';
