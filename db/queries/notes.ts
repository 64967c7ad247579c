import { and, asc, desc, eq, sql } from 'drizzle-orm';
import { newId } from '../id.js';
import type { NoteRow, Queryable, Tx } from '../rows.js';
import { notes, runs } from '../schema.js';

/** Books the next version of a run's strategy notes; adopted ones are what proposers read from now on. The caller's transaction orders versions. */
export async function insertNote(
  tx: Tx,
  note: {
    runId: string;
    body: string;
    author: NoteRow['author'];
    state: 'proposed' | 'adopted';
    reason: string | null;
  },
): Promise<NoteRow> {
  await tx.select({ id: runs.id }).from(runs).where(eq(runs.id, note.runId)).for('update');
  const [row] = await tx
    .insert(notes)
    .values({
      id: newId('note'),
      ...note,
      version: sql`(select coalesce(max(version), 0) + 1 from notes where run_id = ${note.runId})`,
      decidedAt: note.state === 'adopted' ? sql`now()` : null,
    })
    .returning();
  if (note.state === 'adopted') await tx.update(runs).set({ notes: note.body }).where(eq(runs.id, note.runId));
  return row as NoteRow;
}

export function listNotes(q: Queryable, runId: string): Promise<NoteRow[]> {
  return q.select().from(notes).where(eq(notes.runId, runId)).orderBy(asc(notes.version));
}

export async function findNote(q: Queryable, runId: string, version: number): Promise<NoteRow | undefined> {
  const [row] = await q
    .select()
    .from(notes)
    .where(and(eq(notes.runId, runId), eq(notes.version, version)));
  return row;
}

/** The newest adopted version: what a proposed one is compared with. */
export async function findAdoptedNote(q: Queryable, runId: string): Promise<NoteRow | undefined> {
  const [row] = await q
    .select()
    .from(notes)
    .where(and(eq(notes.runId, runId), eq(notes.state, 'adopted')))
    .orderBy(desc(notes.version))
    .limit(1);
  return row;
}

/** Adopts or rejects a proposed version; undefined when it was decided before. */
export async function decideNote(
  tx: Tx,
  runId: string,
  version: number,
  to: 'adopted' | 'rejected',
): Promise<NoteRow | undefined> {
  const [row] = await tx
    .update(notes)
    .set({ state: to, decidedAt: sql`now()` })
    .where(and(eq(notes.runId, runId), eq(notes.version, version), eq(notes.state, 'proposed')))
    .returning();
  if (row && to === 'adopted') await tx.update(runs).set({ notes: row.body }).where(eq(runs.id, runId));
  return row;
}
