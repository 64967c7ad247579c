import { z } from '@hono/zod-openapi';

const LARGEST = 2 ** 31 - 1;

/** A whole number from 1 on as a part of a path. Digits alone: Number() would also take 0x1, 1e0 and blanks. */
export function pathNumber(name: string) {
  return z
    .string()
    .regex(/^[1-9]\d{0,9}$/, 'needs a whole number from 1 on')
    .transform(Number)
    .pipe(z.number().max(LARGEST))
    .openapi({ param: { name, in: 'path' }, type: 'integer', minimum: 1, maximum: LARGEST });
}
