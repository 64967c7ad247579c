/** Ctrl-], as telnet and docker have it: no program that trains wants it. */
export const DETACH_KEY = 0x1d;

export interface RawTerminal {
  /** Whether a person sits at it: keys can be read and a size is known. */
  isInteractive: boolean;
  onKeys(listener: (bytes: Buffer) => void): void;
  onResize(listener: () => void): void;
  /** Null when the job's terminal is not to follow this one. */
  size(): { cols: number; rows: number } | null;
  /** Shows bytes of the job, and remembers what they did to the screen. */
  show(bytes: Buffer): void;
  /** Gives the terminal back as it was. Safe to call more than once. */
  restore(): void;
}

/** What jobs may have switched on, off again: colours, hidden cursor, mouse reports, bracketed paste, application keys. */
const RESET = '\x1b[0m\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>';
const LEAVE_ALTERNATE = '\x1b[?1049l';

/** Takes the terminal over: every key goes to the job, until `restore`. Without one at both ends it only prints. */
export function takeTerminal(isReading: boolean): RawTerminal {
  const { stdin, stdout } = process;
  const isInteractive = stdin.isTTY === true && stdout.isTTY === true;
  const isRaw = isInteractive && isReading;
  let tail = '';
  let isAlternate = false;
  let isRestored = false;
  const listeners: (() => void)[] = [];
  const restore = () => {
    if (isRestored) return;
    isRestored = true;
    for (const remove of listeners) remove();
    process.off('exit', restore);
    if (!isInteractive) return;
    stdout.write(isAlternate ? LEAVE_ALTERNATE + RESET : RESET);
    if (!isRaw) return;
    stdin.setRawMode(false);
    stdin.pause();
  };
  if (isRaw) {
    stdin.setRawMode(true);
    stdin.resume();
  }
  // Whatever ends the process ends it with the terminal as it was.
  process.on('exit', restore);
  return {
    isInteractive,
    onKeys(listener) {
      if (!isRaw) return;
      stdin.on('data', listener);
      listeners.push(() => stdin.off('data', listener));
    },
    onResize(listener) {
      if (!isRaw) return;
      stdout.on('resize', listener);
      listeners.push(() => stdout.off('resize', listener));
    },
    size: () => (isRaw ? { cols: stdout.columns, rows: stdout.rows } : null),
    show(bytes) {
      stdout.write(bytes);
      if (!isInteractive) return;
      // A sequence may be cut in two by the frames.
      const text = tail + bytes.toString('latin1');
      const [on, off] = [text.lastIndexOf('\x1b[?1049h'), text.lastIndexOf(LEAVE_ALTERNATE)];
      if (on >= 0 || off >= 0) isAlternate = on > off;
      tail = text.slice(-8);
    },
    restore,
  };
}
