import { agentFrameSchema, type FrameOf } from '@nightshift/protocol';

/**
 * The answer to an `assign` that did not parse: without one the offer stands, and the box waits with it for ever. Null when the
 * text is no assign, or does not tell which attempt it is about.
 */
export function refuseUnreadable(text: string, problem: string): FrameOf<'refused'> | null {
  let frame: { type?: unknown; job?: { attemptId?: unknown; token?: unknown } | null } | null;
  try {
    frame = JSON.parse(text) as typeof frame;
  } catch {
    return null;
  }
  if (frame?.type !== 'assign') return null;
  const parsed = agentFrameSchema.safeParse({
    type: 'refused',
    attemptId: frame.job?.attemptId,
    token: frame.job?.token,
    reason: 'internal_error',
    detail: `this agent cannot read the job that it was offered (${problem}): is it older than the control plane?`,
  });
  return parsed.success && parsed.data.type === 'refused' ? parsed.data : null;
}
