import pino, { type Logger } from 'pino';
import { plainText } from '@nightshift/control-plane/trajectory/wording';

const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };

/** A structured log on stderr: short lines for a person at a terminal, JSON for everything else. */
export function createLog(options: { isPretty: boolean; write?: (text: string) => void; level?: string }): Logger {
  const write = options.write ?? ((text: string) => void process.stderr.write(text));
  return pino(
    { base: null, level: options.level ?? 'info', serializers: { err: pino.stdSerializers.err } },
    { write: (line: string) => write(options.isPretty ? prettyLine(line) : line) },
  );
}

/** `14:03:27 warn  message  key=value` of one JSON line; an error's stack follows on lines of its own. */
export function prettyLine(line: string): string {
  const { level, time, msg, err, ...fields } = JSON.parse(line) as {
    level: number;
    time: number;
    msg?: string;
    err?: { message?: string; stack?: string };
  } & Record<string, unknown>;
  const clock = new Date(time).toTimeString().slice(0, 8);
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const head = [
    clock,
    (LEVELS[level] ?? 'info').padEnd(5),
    plainText(msg ?? '', 1000),
    plainText(rest.join(' '), 1000),
  ];
  const trouble = err === undefined ? '' : `\n${(level >= 50 ? err.stack : undefined) ?? err.message ?? ''}`;
  return `${head.filter(Boolean).join('  ')}${trouble.replaceAll('\n', '\n         ')}\n`;
}
