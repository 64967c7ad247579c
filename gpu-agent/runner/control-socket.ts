import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { temporaryPrefix } from '../spool/temporary-name.js';
import type { Terminal } from './terminal.js';

export interface ControlSocket {
  /** Where an agent, restarted or not, reaches the terminal; null where no socket could be made. */
  path: string | null;
  attach(terminal: Terminal | null): void;
  close(): void;
}
/** One JSON line to the runner: bytes to type (base64), or a new size. */
export interface ControlMessage {
  input?: string;
  cols?: number;
  rows?: number;
}

/** A line longer than this is no message of ours. */
const LINE_LIMIT = 65_536;

/** A unix socket for typing into a job's terminal. In the temporary folder: a socket's path may have 107 bytes at most. */
export async function openControlSocket(attemptId: string): Promise<ControlSocket> {
  const path = `${temporaryPrefix(attemptId)}${randomBytes(6).toString('hex')}.sock`;
  let terminal: Terminal | null = null;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let pending = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      pending += text;
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      if (pending.length > LINE_LIMIT) socket.destroy();
      for (const line of lines) apply(terminal, line);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  const isOpen = await new Promise<boolean>((resolve) => {
    server.once('error', () => {
      resolve(false);
    });
    const previous = process.umask(0o177); // only this user may connect
    server.listen(path, () => {
      resolve(true);
    });
    process.umask(previous);
  });
  server.on('error', () => {});
  return {
    path: isOpen ? path : null,
    attach: (next) => (terminal = next),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      rmSync(path, { force: true });
    },
  };
}

function apply(terminal: Terminal | null, line: string): void {
  if (!terminal) return;
  let message: ControlMessage;
  try {
    message = JSON.parse(line) as ControlMessage;
  } catch {
    return;
  }
  if (typeof message.input === 'string') terminal.write(Buffer.from(message.input, 'base64'));
  if (
    Number.isInteger(message.cols) &&
    Number.isInteger(message.rows) &&
    (message.cols as number) > 0 &&
    (message.rows as number) > 0
  )
    terminal.resize(message.cols as number, message.rows as number);
}
