import { closeSync, openSync, readSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import type { ControlFrameOf } from '@nightshift/protocol';
import type { Wire } from './connection/upload.js';
import { readPolicy } from './policy.js';
import type { ControlMessage } from './runner/control-socket.js';
import type { Attempt } from './spool/attempt.js';

/** What a watcher sees first: about a screen of what was printed before. */
const BACKLOG_BYTES = 8192;
const FRAME_BYTES = 16_384;
/** The size of every job's terminal while nobody has changed it (`runner/terminal.ts`, which loads node-pty). */
const COLUMNS = 160;
const ROWS = 100;
/** The live view drops what a slow connection cannot take; the log does not. */
const DROP_ABOVE_BYTES = 524_288;

interface Viewer {
  offset: number;
  socket: Socket | null;
  isResized: boolean;
}

/** Live terminals of running jobs: shown from the log as it grows, typed into through the runner's socket if the owner allows. */
export class Attachments {
  readonly #viewers = new Map<string, Viewer>();

  constructor(private readonly home: string) {}

  handle(frame: ControlFrameOf<'terminal'>, attempt: Attempt, wire: Wire): void {
    const read = readPolicy(this.home);
    const allowed = 'problem' in read ? 'none' : (read.policy.attach ?? 'write');
    if (allowed === 'none') {
      say(wire, attempt, "this box's owner does not allow to attach (policy.json)");
      return;
    }
    if (frame.action === 'close') {
      this.close(attempt.id);
      return;
    }
    const viewer = this.#viewers.get(attempt.id) ?? this.#open(attempt);
    if (frame.action === 'open') {
      // Whoever opens it anew has seen nothing: the control plane has restarted, say.
      viewer.offset = Math.max(0, attempt.logBytes - BACKLOG_BYTES);
      this.show(attempt, wire);
      return;
    }
    if (allowed !== 'write') {
      // A size changes what the job prints, so it takes the same leave as a key; nobody asked for it by hand, though.
      if (frame.action === 'input') say(wire, attempt, "this box's owner does not allow to type (policy.json)");
      return;
    }
    if (frame.action === 'resize' && frame.cols && frame.rows) {
      viewer.isResized = true;
      tell(viewer, attempt, { cols: frame.cols, rows: frame.rows });
    }
    if (frame.action === 'input' && frame.data !== undefined) tell(viewer, attempt, { input: frame.data });
  }

  /** Sends what was printed since the last time to whoever watches. */
  show(attempt: Attempt, wire: Wire): void {
    const viewer = this.#viewers.get(attempt.id);
    if (!viewer) return;
    if (wire.bufferedBytes > DROP_ABOVE_BYTES) viewer.offset = attempt.logBytes;
    while (viewer.offset < attempt.logBytes) {
      const data = readAt(attempt.dir.log, viewer.offset, FRAME_BYTES);
      if (data.length === 0) break;
      viewer.offset += data.length;
      wire.send({ type: 'terminal', attemptId: attempt.id, token: attempt.spec.token, data: data.toString('base64') });
    }
    if (attempt.exit) this.close(attempt.id);
  }

  close(attemptId: string): void {
    const viewer = this.#viewers.get(attemptId);
    this.#viewers.delete(attemptId);
    // A job prints for the size that it began with again when nobody watches.
    if (viewer?.socket && viewer.isResized) viewer.socket.end(`${JSON.stringify({ cols: COLUMNS, rows: ROWS })}\n`);
    else viewer?.socket?.destroy();
  }

  closeAll(): void {
    for (const id of this.#viewers.keys()) this.close(id);
  }

  #open(attempt: Attempt): Viewer {
    const viewer: Viewer = {
      offset: Math.max(0, attempt.logBytes - BACKLOG_BYTES),
      socket: null,
      isResized: false,
    };
    this.#viewers.set(attempt.id, viewer);
    return viewer;
  }
}

function tell(viewer: Viewer, attempt: Attempt, message: ControlMessage): void {
  const path = attempt.claim?.socket;
  if (!path || attempt.exit) return;
  if (!viewer.socket || viewer.socket.destroyed) {
    viewer.socket = createConnection(path);
    viewer.socket.on('error', () => viewer.socket?.destroy());
  }
  viewer.socket.write(`${JSON.stringify(message)}\n`);
}

function say(wire: Wire, attempt: Attempt, text: string): void {
  wire.send({
    type: 'terminal',
    attemptId: attempt.id,
    token: attempt.spec.token,
    data: Buffer.from(`[nightshift] ${text}\r\n`).toString('base64'),
  });
}

function readAt(path: string, offset: number, length: number): Buffer {
  try {
    const fd = openSync(path, 'r');
    try {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}
