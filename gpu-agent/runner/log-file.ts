import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

/** Kept in memory to explain an end, and appended to a log that ran past its limit: an error is on the last page. */
const TAIL_BYTES = 65_536;

export interface LogFileOptions {
  path: string;
  limitBytes: number;
  /** The disk took no more; called once. What follows is counted as dropped. */
  onDiskFull: (error: NodeJS.ErrnoException) => void;
}

/** `output.log`: append-only, bounded, with the last 64 KiB in memory. Writes are synchronous, so a slow disk slows the job and fills no memory. */
export class LogFile {
  #fd: number;
  #bytes = 0;
  #dropped = 0;
  #tail: Buffer = Buffer.alloc(0);
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #isFull = false;

  constructor(private readonly options: LogFileOptions) {
    this.#fd = openSync(options.path, 'a', 0o600);
  }
  get bytes(): number {
    return this.#bytes;
  }
  get dropped(): number {
    return this.#dropped;
  }
  /** The last bytes printed, dropped ones included. */
  get tail(): Buffer {
    this.#fold();
    return this.#tail;
  }

  append(bytes: Buffer): void {
    this.#remember(bytes);
    const room = this.#isFull ? 0 : Math.max(0, this.options.limitBytes - this.#bytes);
    const written = room > 0 ? this.#write(bytes.length > room ? bytes.subarray(0, room) : bytes) : 0;
    this.#dropped += bytes.length - written;
  }

  /** A line of the runner's own, beyond the limit if need be. */
  note(text: string): void {
    if (!this.#isFull) this.#write(Buffer.from(`[nightshift] ${text}\n`));
  }

  /** Says what was dropped, keeps the last page after all, and makes the file durable. */
  close(): void {
    if (this.#dropped > 0 && !this.#isFull) {
      const tail = this.tail.subarray(Math.max(0, this.tail.length - this.#dropped));
      const gone = this.#dropped - tail.length;
      this.#write(
        Buffer.from(
          `\n[nightshift] the log's limit of ${this.options.limitBytes} bytes was reached: ${gone} bytes were not kept; the last ${tail.length} follow\n`,
        ),
      );
      this.#dropped -= this.#write(tail);
    }
    try {
      fsyncSync(this.#fd);
    } catch {
      // a full disk was reported by the write already
    }
    closeSync(this.#fd);
  }

  #write(bytes: Buffer): number {
    let at = 0;
    try {
      while (at < bytes.length) at += writeSync(this.#fd, bytes, at);
    } catch (error) {
      if (!this.#isFull) {
        this.#isFull = true;
        this.options.onDiskFull(error as NodeJS.ErrnoException);
      }
    }
    this.#bytes += at;
    return at;
  }

  // Folded only when 64 KiB of pieces have gathered, so that a flood of small reads copies each byte once.
  #remember(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
    if (this.#pieceBytes > TAIL_BYTES) this.#fold();
  }

  #fold(): void {
    const all = Buffer.concat([this.#tail, ...this.#pieces]);
    this.#tail = Buffer.from(all.subarray(Math.max(0, all.length - TAIL_BYTES)));
    this.#pieces = [];
    this.#pieceBytes = 0;
  }
}
