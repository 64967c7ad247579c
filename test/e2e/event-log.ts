export interface EventSeen {
  cursor: string;
  type: string;
  runId: string | null;
  boxId: string | null;
  payload: Record<string, unknown> & { iteration?: number; jobId?: string };
}

/**
 * Every event from the beginning, over SSE, across restarts: after each end it goes on from the last id. An id that
 * comes twice is a fault. Tests wait on events here and never on a clock.
 */
export class EventLog {
  readonly events: EventSeen[] = [];
  readonly faults: string[] = [];
  reconnects = -1;
  readonly #seen = new Set<string>();
  readonly #waiters = new Set<() => void>();
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;

  constructor(
    private readonly base: () => string,
    private readonly headers: Record<string, string>,
  ) {
    this.#ended = this.#follow();
  }

  /** The first event, past or coming, for which `test` holds. */
  async until(what: string, test: (event: EventSeen) => boolean, timeoutMs = 40_000): Promise<EventSeen> {
    let next = 0;
    const look = () => {
      for (; next < this.events.length; next++) {
        const event = this.events[next] as EventSeen;
        if (test(event)) return event;
      }
      return undefined;
    };
    const found = look();
    if (found) return found;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(onEvents);
        const last = this.events
          .slice(-8)
          .map((event) => `${event.type} ${JSON.stringify(event.payload).slice(0, 160)}`);
        reject(new Error(`waited in vain for: ${what}; the last events:\n${last.join('\n')}`));
      }, timeoutMs);
      const onEvents = () => {
        const event = look();
        if (!event) return;
        clearTimeout(timer);
        this.#waiters.delete(onEvents);
        resolve(event);
      };
      this.#waiters.add(onEvents);
    });
  }

  /** The end of a run. */
  async ended(runId: string, timeoutMs?: number): Promise<EventSeen> {
    return this.until(
      `the end of run ${runId}`,
      (event) => event.runId === runId && ['run.completed', 'run.stopped', 'run.failed'].includes(event.type),
      timeoutMs,
    );
  }

  of(runId: string, ...types: string[]): EventSeen[] {
    return this.events.filter((event) => event.runId === runId && (types.length === 0 || types.includes(event.type)));
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      this.reconnects++;
      try {
        const last = this.events.at(-1)?.cursor;
        const response = await fetch(`${this.base()}/v1/events?from=start`, {
          headers: { ...this.headers, ...(last === undefined ? {} : { 'last-event-id': last }) },
          signal,
        });
        if (!response.ok || !response.body) throw new Error(`events: ${response.status}`);
        let pending = '';
        const decoder = new TextDecoder();
        for await (const chunk of response.body) {
          pending += decoder.decode(chunk as Uint8Array, { stream: true });
          const blocks = pending.split('\n\n');
          pending = blocks.pop() ?? '';
          for (const block of blocks) this.#take(block);
        }
      } catch {
        // cut, refused or killed: from the last id again
      }
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #take(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    const cursor = field('id');
    const data = field('data');
    if (cursor === undefined || data === undefined) return;
    if (this.#seen.has(cursor)) this.faults.push(`event ${cursor} came twice`);
    this.#seen.add(cursor);
    this.events.push({ ...(JSON.parse(data) as Omit<EventSeen, 'cursor'>), cursor });
    for (const waiter of this.#waiters) waiter();
  }
}
