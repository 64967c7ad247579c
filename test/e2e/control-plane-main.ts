import { startControlPlane } from '@nightshift/control-plane/main';

// A control plane as a process of its own, to be killed by tests. It says where it listens in one line on stdout,
// complains in JSON lines on stderr, and ends with whoever holds its stdin.
const complain = (level: string) => (fields: object, message: string) => {
  const { err, ...rest } = fields as { err?: unknown };
  const cause = err instanceof Error && err.cause instanceof Error ? ` < ${err.cause.message}` : '';
  const error = err instanceof Error ? `${err.name}: ${err.message.slice(0, 500)}${cause}` : err;
  process.stderr.write(`${JSON.stringify({ level, message, ...rest, ...(err === undefined ? {} : { error }) })}\n`);
};
const quiet = () => undefined;
const { DATABASE_URL: databaseUrl, DATA_DIR: dataDir } = process.env;
if (databaseUrl === undefined || dataDir === undefined) throw new Error('needs DATABASE_URL and DATA_DIR');
const plane = await startControlPlane({
  databaseUrl,
  dataDir,
  host: '127.0.0.1',
  port: 0,
  version: '0.0.0-test',
  log: { debug: quiet, info: quiet, warn: complain('warn'), error: complain('error') },
  apiKey: (name) => process.env[name],
});
process.stdout.write(`${JSON.stringify({ url: plane.url, firstToken: plane.firstToken })}\n`);
// With --expose-gc: what is really held, for tests that look for leaks.
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  process.stdout.write(
    `${JSON.stringify({ heapBytes: process.memoryUsage().heapUsed, rssBytes: process.memoryUsage.rss() })}\n`,
  );
});
let isStopping = false;
const stop = () => {
  if (isStopping) return;
  isStopping = true;
  void plane.stop().then(() => process.exit(0));
};
process.on('SIGTERM', stop);
process.stdin.on('end', stop).resume();
