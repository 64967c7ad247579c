import type { FrameOf } from '@nightshift/protocol';
import { recordEvents, storeBeats, type BoxBeat, type Db } from '@nightshift/db';
import type { FleetDeps } from './deps.js';

/** Heartbeats are gathered for this long. Shorter costs statements for nothing, longer shows figures late; silence is judged by 35 s. */
const GATHER_MS = 250;
/** Readings kept of one box while the database is away; a box's newest matter most. */
const KEPT_READINGS = 50;

/** Takes heartbeats in together: what a thousand boxes say costs a few statements a second, not a few each. */
export class Heartbeats {
  readonly #waiting = new Map<string, BoxBeat>();
  #timer: NodeJS.Timeout | undefined;
  #isStoring = false;

  constructor(
    private readonly deps: Pick<FleetDeps, 'db' | 'log'>,
    /** What these boxes said is in their rows now. */
    private readonly onStored: (boxIds: string[]) => void,
  ) {}

  add(boxId: string, frame: FrameOf<'heartbeat'>): void {
    const earlier = this.#waiting.get(boxId);
    this.#waiting.set(boxId, {
      boxId,
      dirtyPids: frame.dirty,
      freeSlots: frame.freeSlots,
      facts: frame.facts ?? earlier?.facts ?? null,
      telemetry: [...(earlier?.telemetry ?? []), ...frame.telemetry].slice(-KEPT_READINGS),
    });
    this.#timer ??= setTimeout(() => void this.#flush(), GATHER_MS);
  }

  /** What a box said is no longer wanted. */
  forget(boxId: string): void {
    this.#waiting.delete(boxId);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    if (this.#isStoring) {
      this.#timer = setTimeout(() => void this.#flush(), GATHER_MS);
      return;
    }
    this.#isStoring = true;
    const beats = [...this.#waiting.values()];
    this.#waiting.clear();
    try {
      await store(this.deps.db, beats);
    } catch {
      // One figure that the database will not take must not cost the others theirs.
      for (const beat of beats)
        await store(this.deps.db, [beat]).catch((error: unknown) =>
          this.deps.log.warn(
            { err: error, boxId: beat.boxId },
            'a heartbeat could not be stored; the next one will do',
          ),
        );
    } finally {
      this.#isStoring = false;
    }
    this.onStored(beats.map((beat) => beat.boxId));
  }
}

async function store(db: Db, beats: BoxBeat[]): Promise<void> {
  await db.transaction(async (tx) => {
    const back = await storeBeats(tx, beats);
    await recordEvents(
      tx,
      back.map((boxId) => ({ type: 'box.online', boxId })),
    );
  });
}
