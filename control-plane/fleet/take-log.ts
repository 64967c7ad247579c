import type { AgentFrame, FrameOf } from '@nightshift/protocol';

/** Log bytes written by one statement: enough to make a slow disk's commit worth it. */
const MERGE_BYTES = 512 * 1024;

/** A frame that waits to be handled, and what it weighs. */
export interface WaitingFrame {
  frame: AgentFrame;
  bytes: number;
}

/**
 * The bytes of a log frame and of those that wait right behind it and go on where it ends: one statement writes them. They are taken
 * from `waiting`; `weight` is what they weighed there.
 */
export function takeLog(frame: FrameOf<'log'>, waiting: WaitingFrame[]): { data: Buffer; weight: number } {
  const parts = [Buffer.from(frame.data, 'base64')];
  let bytes = parts[0]?.length ?? 0;
  let weight = 0;
  for (let next = waiting[0]; next?.frame.type === 'log' && bytes < MERGE_BYTES; next = waiting[0]) {
    const more = next.frame;
    if (more.attemptId !== frame.attemptId || more.token !== frame.token || more.offset !== frame.offset + bytes) break;
    const data = Buffer.from(more.data, 'base64');
    parts.push(data);
    bytes += data.length;
    weight += next.bytes;
    waiting.shift();
  }
  return { data: Buffer.concat(parts), weight };
}
