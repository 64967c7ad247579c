import { z } from '@hono/zod-openapi';
import { AppError } from '@nightshift/protocol';

/** Every list pages alike: `limit` rows, and the `nextCursor` of one page goes in as the `cursor` of the next. */
export const pageQuery = z.object({
  cursor: z.string().max(200).optional().openapi({ description: 'nextCursor of the page before' }),
  limit: z.coerce.number().int().min(1).max(500).default(50),
});

export function pageOf<T extends z.ZodType>(item: T, name: string) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() }).openapi(name);
}

/** Rows were asked for one more than the limit: the surplus says that another page follows. */
export function paged<T>(
  rows: T[],
  limit: number,
  cursorOf: (row: T) => string,
): { items: T[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(cursorOf(last)) : null };
}

function encodeCursor(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** @throws AppError bad_request when it is no cursor of ours. */
export function decodeCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!/^[\w-]{1,100}$/.test(text)) throw new AppError('bad_request', 'cursor: is not a cursor that a list gave out');
  return text;
}
