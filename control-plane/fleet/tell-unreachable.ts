import { markSilentBoxes, recordEvents, type Db } from '@nightshift/db';

/** Boxes that have been silent for `afterMs` become unreachable, and it is told. Their jobs go on. */
export async function tellUnreachable(db: Db, afterMs: number): Promise<void> {
  await db.transaction(async (tx) => {
    const silent = await markSilentBoxes(tx, afterMs);
    await recordEvents(
      tx,
      silent.map((boxId) => ({ type: 'box.unreachable', boxId })),
    );
  });
}
