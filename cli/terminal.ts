/** Where a command writes. Results go to `out`, everything that is not a result to `err`. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** One JSON document on a line of its own. */
  json(value: unknown): void;
  /** Width to lay tables out for; 100 when the output is no terminal. */
  columns: number;
  isTty: boolean;
}

const NO_TERMINAL_COLUMNS = 100;

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  // A reader that went away (`| head`) is no failure of ours.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  stderr.on('error', () => undefined);
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    json: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    get columns() {
      return (
        (stdout.isTTY ? stdout.columns : undefined) ||
        (stderr.isTTY ? stderr.columns : undefined) ||
        NO_TERMINAL_COLUMNS
      );
    },
    isTty: stdout.isTTY === true,
  };
}

/** Resolves when everything written so far has left the process: `process.exit` would cut a pipe off. */
export function flush(): Promise<unknown> {
  return Promise.all(
    [process.stdout, process.stderr].map(
      (stream) => new Promise<void>((resolve) => void stream.write('', () => resolve())),
    ),
  );
}
