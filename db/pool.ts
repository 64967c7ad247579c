import type { Sql } from 'postgres';

type Rows = Promise<unknown[]>;
interface StatementOptions {
  prepare?: boolean | undefined;
}
/** A statement as drizzle takes it: awaited for objects, or for arrays after `values()`. */
interface Statement extends PromiseLike<unknown[]> {
  values(): Rows;
}
type Unsafe = (text: string, parameters?: unknown[], options?: StatementOptions) => Statement;

/** The part of a postgres client inside a transaction that drizzle uses. */
export interface PoolTransaction {
  unsafe: Unsafe;
  options: PoolOptions;
  savepoint<T>(work: (inner: PoolTransaction) => Promise<T>): Promise<T>;
}
/** The part of a postgres client that drizzle uses. */
export interface Pool {
  unsafe: Unsafe;
  options: PoolOptions;
  begin<T>(work: (tx: PoolTransaction) => Promise<T>): Promise<T>;
  close(seconds: number): Promise<void>;
}
interface PoolOptions {
  parsers: Record<string, unknown>;
  serializers: Record<string, unknown>;
}
interface Slot {
  client: Sql;
  isDead: boolean;
  /** Ends the statement that is under way: the driver forgets one that came between an error and the close. */
  abandon: (() => void) | null;
}

/**
 * A pool of clients with one connection each. The driver's own pool may write to a connection that has closed under a
 * transaction, which ends the process, or go on with it on the connection of someone else; and one that closes before a
 * buffered write never flushes again. Here a client is used by one caller at a time, and is thrown away when it closes.
 * @param connect makes a client of one connection that calls `onClose` when that connection is gone.
 */
export function openPool(connect: (onClose: () => void) => Sql, max: number): Pool {
  const options: PoolOptions = { parsers: {}, serializers: {} };
  const slots = new Set<Slot>();
  const idle: Slot[] = [];
  const waiting: { resolve: (slot: Slot) => void; reject: (error: Error) => void }[] = [];
  let isClosed = false;

  const discard = (slot: Slot) => {
    if (!slots.delete(slot)) return;
    const at = idle.indexOf(slot);
    if (at >= 0) idle.splice(at, 1);
    slot.client.end({ timeout: 0 }).catch(() => undefined);
  };
  const open = (): Slot => {
    const slot: Slot = { isDead: false, abandon: null, client: undefined as never };
    slot.client = connect(() => {
      slot.isDead = true;
      // The driver's own account of the end, if it has one, comes first.
      if (slot.abandon) setImmediate(slot.abandon);
      // A slot in use is put away by who uses it.
      if (idle.includes(slot)) discard(slot);
    });
    Object.assign(slot.client.options.parsers, options.parsers);
    Object.assign(slot.client.options.serializers, options.serializers);
    slots.add(slot);
    return slot;
  };
  const acquire = (): Promise<Slot> => {
    if (isClosed) return Promise.reject(lost('the database was closed'));
    const slot = idle.pop() ?? (slots.size < max ? open() : undefined);
    return slot ? Promise.resolve(slot) : new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  const release = (slot: Slot) => {
    if (slot.isDead) discard(slot);
    const next = waiting.shift();
    if (next) next.resolve(slot.isDead ? open() : slot);
    else if (!slot.isDead) idle.push(slot);
  };

  return {
    options,
    unsafe: (text, parameters, statementOptions) =>
      statement(async (asValues) => {
        const slot = await acquire();
        try {
          return await send(slot, text, parameters, statementOptions, asValues);
        } finally {
          release(slot);
        }
      }),
    async begin(work) {
      const slot = await acquire();
      const tx = new Transaction(slot, options);
      try {
        return await tx.run('begin', 'commit', 'rollback', work);
      } finally {
        tx.isOver = true;
        release(slot);
      }
    },
    async close(seconds) {
      isClosed = true;
      for (const { reject } of waiting.splice(0)) reject(lost('the database was closed'));
      await Promise.all([...slots].map((slot) => slot.client.end({ timeout: seconds })));
    },
  };
}

/** Statements of one transaction, one after the other. After the connection is lost none is sent any more. */
class Transaction implements PoolTransaction {
  isOver = false;
  #tail: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #savepoints = 0;

  constructor(
    private readonly slot: Slot,
    readonly options: PoolOptions,
  ) {}

  readonly unsafe: Unsafe = (text, parameters, statementOptions) =>
    statement((asValues) => {
      const rows = this.#tail.then(() => {
        if (this.isOver) throw lost('the transaction is over');
        return send(this.slot, text, parameters, statementOptions, asValues);
      });
      this.#tail = rows.catch((error: unknown) => {
        this.#failure ??= error;
      });
      return rows;
    });

  savepoint<T>(work: (inner: PoolTransaction) => Promise<T>): Promise<T> {
    const name = `s${this.#savepoints++}`;
    return this.run(`savepoint ${name}`, `release savepoint ${name}`, `rollback to savepoint ${name}`, work);
  }

  /** @throws what `work` or one of its statements failed with, even if `work` caught it: nothing is committed then. */
  async run<T>(first: string, last: string, undo: string, work: (tx: PoolTransaction) => Promise<T>): Promise<T> {
    await this.unsafe(first);
    try {
      const result = await work(this);
      await this.#tail;
      if (this.#failure !== undefined) throw this.#failure;
      await this.unsafe(last);
      return result;
    } catch (error) {
      await this.#tail;
      if (!this.slot.isDead)
        await this.unsafe(undo)
          .values()
          .catch(() => {
            // In a state that nobody knows: its connection is not used again.
            this.slot.isDead = true;
          });
      this.#failure = undefined;
      throw error;
    }
  }
}

async function send(
  slot: Slot,
  text: string,
  parameters: unknown[] | undefined,
  options: StatementOptions | undefined,
  asValues: boolean,
): Promise<unknown[]> {
  if (slot.isDead) throw lost('the connection to the database was lost');
  const query = slot.client.unsafe(text, parameters as never[], { prepare: options?.prepare ?? false });
  try {
    return await new Promise<unknown[]>((resolve, reject) => {
      slot.abandon = () => reject(lost('the connection to the database was lost'));
      (asValues ? query.values() : query).then(resolve, reject);
    });
  } finally {
    slot.abandon = null;
  }
}

// Nothing is sent before someone waits for it: until then it may still become `values()`.
function statement(run: (asValues: boolean) => Rows): Statement {
  let rows: Rows | undefined;
  return {
    values: () => (rows ??= run(true)),
    // oxlint-disable-next-line unicorn/no-thenable -- drizzle awaits a statement
    then: (resolve, reject) => (rows ??= run(false)).then(resolve, reject),
  };
}

function lost(message: string): Error {
  return Object.assign(new Error(message), { code: 'CONNECTION_CLOSED' });
}
