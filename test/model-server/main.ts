import { parseArgs } from 'node:util';
import { BEHAVIOURS } from './behaviours.js';
import { startModelServer } from './server.js';

const USAGE = `usage: node test/dist/model-server/main.js [--behaviour NAME] [--port N] [--host H] [--latency-ms N] [--seed N] [--failures N]
  behaviours: ${BEHAVIOURS.join(', ')}`;

function usageError(message: string): never {
  process.stderr.write(`${message}\n${USAGE}\n`);
  process.exit(64);
}

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) usageError(`--${name} needs a whole number, got ${text}`);
  return value;
}

function readArguments() {
  try {
    const text = { type: 'string' } as const;
    const options = { behaviour: text, port: text, host: text, 'latency-ms': text, seed: text, failures: text };
    return parseArgs({ options }).values;
  } catch (error) {
    return usageError((error as Error).message);
  }
}

const values = readArguments();
const wanted = values.behaviour ?? 'well-behaved';
const behaviour = BEHAVIOURS.find((name) => name === wanted) ?? usageError(`no behaviour is called ${wanted}`);
const server = await startModelServer({
  behaviour,
  latencyMs: numberOf('latency-ms', values['latency-ms']) ?? 0,
  port: numberOf('port', values.port) ?? 0,
  ...(values.host === undefined ? {} : { host: values.host }),
  seed: numberOf('seed', values.seed) ?? 1,
  ...(values.failures === undefined ? {} : { failures: numberOf('failures', values.failures) ?? 0 }),
});
process.stdout.write(`${JSON.stringify({ url: server.url, behaviour, pid: process.pid })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
