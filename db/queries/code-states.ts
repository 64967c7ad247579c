import { eq } from 'drizzle-orm';
import type { SourceFile } from '@nightshift/protocol';
import type { Queryable } from '../rows.js';
import { codeStates } from '../schema.js';

/** Keeps the contents of the editable files under their hash; the same contents are kept once. */
export async function insertCodeState(q: Queryable, key: string, files: SourceFile[]): Promise<void> {
  await q.insert(codeStates).values({ key, files }).onConflictDoNothing();
}

export async function findCodeState(q: Queryable, key: string): Promise<SourceFile[] | undefined> {
  const [row] = await q.select().from(codeStates).where(eq(codeStates.key, key));
  return row?.files;
}
