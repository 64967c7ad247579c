/** A terminal line longer than this reports no metric, and is not kept in memory. */
const LINE_LIMIT = 4096;

// Colours and cursor moves, as progress bars print them around a figure.
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;

/**
 * Splits terminal bytes into lines at \n and at \r, in bounded memory: of a line that is too long only the fact is kept.
 * Bytes are read as latin1, which every figure survives and no invalid UTF-8 can break.
 */
export class LineSplitter {
  #pending = '';
  #isTooLong = false;

  constructor(private readonly onLine: (line: string) => void) {}

  push(bytes: Buffer): void {
    const lines = bytes.toString('latin1').split(/[\r\n]/);
    const last = lines.length - 1;
    for (let i = 0; i <= last; i++) {
      const part = lines[i] ?? '';
      if (!this.#isTooLong) this.#pending += part;
      if (this.#pending.length > LINE_LIMIT) {
        this.#isTooLong = true;
        this.#pending = '';
      }
      if (i < last) this.flush();
    }
  }

  /** Ends the current line: a last line without a newline counts too. */
  flush(): void {
    const line = this.#pending;
    const isTooLong = this.#isTooLong;
    this.#pending = '';
    this.#isTooLong = false;
    if (!isTooLong && line.length > 0) this.onLine(line.includes('\u001b') ? line.replace(ESCAPES, '') : line);
  }
}
