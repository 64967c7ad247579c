import type { ControlFrame } from '@nightshift/protocol';

/** Kept of each live terminal, so that a second watcher has a screen to begin with. */
const RECENT_BYTES = 16_384;
/** Typed bytes in one frame: base64 must stay below what the frame allows. */
const INPUT_BYTES = 4_096;
/** A watched box may be away for this long before its watchers are told to look elsewhere: longer than a reconnect takes. */
const AWAY_MS = 20_000;

/** Someone who watches a terminal. Whatever it cannot take it drops: the log has every byte. */
export interface Watcher {
  data(bytes: Buffer): void;
  notice(text: string): void;
  /** Nothing more will come. `isOver`: the job has ended, as against the box being elsewhere. */
  end(why: string, isOver: boolean): void;
}
/** What a watcher can do. */
export interface TerminalLink {
  input(bytes: Buffer): void;
  resize(cols: number, rows: number): void;
  close(): void;
}
interface View {
  boxId: string;
  about: { attemptId: string; token: string };
  watchers: Set<Watcher>;
  recent: Buffer;
  away: NodeJS.Timeout | undefined;
}

/** Live terminals of the boxes that are connected here: one stream from the box, however many watch. */
export class Terminals {
  readonly #views = new Map<string, View>();

  constructor(private readonly send: (boxId: string, frame: ControlFrame) => void) {}

  watch(boxId: string, about: { attemptId: string; token: string }, watcher: Watcher): TerminalLink {
    const known = this.#views.get(about.attemptId);
    const view = known ?? { boxId, about, watchers: new Set(), recent: Buffer.alloc(0), away: undefined };
    if (known) {
      if (known.recent.length > 0) watcher.data(known.recent);
    } else {
      this.#views.set(about.attemptId, view);
      this.#tell(view, { action: 'open' });
    }
    view.watchers.add(watcher);
    const isHere = () => view.watchers.has(watcher);
    return {
      input: (bytes) => {
        for (let at = 0; at < bytes.length && isHere(); at += INPUT_BYTES)
          this.#tell(view, { action: 'input', data: bytes.subarray(at, at + INPUT_BYTES).toString('base64') });
      },
      resize: (cols, rows) => {
        if (isHere()) this.#tell(view, { action: 'resize', cols, rows });
      },
      close: () => {
        if (!view.watchers.delete(watcher) || view.watchers.size > 0) return;
        this.#tell(view, { action: 'close' });
        this.#drop(view);
      },
    };
  }

  deliver(attemptId: string, bytes: Buffer): void {
    const view = this.#views.get(attemptId);
    if (!view) return;
    view.recent = Buffer.from(Buffer.concat([view.recent, bytes]).subarray(-RECENT_BYTES));
    for (const watcher of view.watchers) watcher.data(bytes);
  }

  ended(attemptId: string, why: string, isOver = true): void {
    const view = this.#views.get(attemptId);
    if (!view) return;
    this.#drop(view);
    for (const watcher of view.watchers) watcher.end(why, isOver);
    view.watchers.clear();
  }

  /** The box has connected (again): its agent knows nothing of who watches. */
  boxIsHere(boxId: string): void {
    for (const view of this.#views.values()) {
      if (view.boxId !== boxId) continue;
      clearTimeout(view.away);
      view.recent = Buffer.alloc(0);
      for (const watcher of view.watchers) watcher.notice('the box is connected again');
      this.#tell(view, { action: 'open' });
    }
  }

  boxIsAway(boxId: string): void {
    for (const view of this.#views.values()) {
      if (view.boxId !== boxId) continue;
      for (const watcher of view.watchers) watcher.notice('the box has lost its connection; the job goes on');
      clearTimeout(view.away);
      view.away = setTimeout(() => {
        this.ended(view.about.attemptId, 'the box is not connected to this control plane', false);
      }, AWAY_MS);
    }
  }

  stop(): void {
    for (const id of this.#views.keys()) this.ended(id, 'the control plane restarts', false);
  }

  #tell(
    view: View,
    what: { action: 'open' | 'input' | 'resize' | 'close'; data?: string; cols?: number; rows?: number },
  ): void {
    this.send(view.boxId, { type: 'terminal', ...view.about, ...what });
  }

  #drop(view: View): void {
    clearTimeout(view.away);
    this.#views.delete(view.about.attemptId);
  }
}
