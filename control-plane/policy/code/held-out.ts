import type { Finding } from './context.js';

/** Methods and functions of a sealed module that say how far the budget is used up. */
export const TELLS =
  /progress|elapsed|remaining|time_?left|budget|deadline|expired|out_?of_?time|is_?over|should_?stop/i;

const HELD_OUT = new Set(
  'val valid validation test testing dev eval evaluation evaluate held hold holdout heldout'.split(' '),
);

/** Whether a name or a text says that it is data to measure with: `val`, `val_text`, `loadTestSet`. */
export function isHeldOut(text: string): boolean {
  const words = text.replace(/([a-z])([A-Z])/g, '$1 $2').split(/[^A-Za-z]+/);
  return words.some((word) => HELD_OUT.has(word.toLowerCase()));
}

/** A finding about what a sealed module is asked for: how often it is asked is free. */
export function asking(key: string, at: { line: number }, reason: string, where?: string): Finding {
  const finding: Finding = { rail: 'sealed', key, line: at.line, reason, allowedBy: null, free: 'go', isOnce: true };
  return where === undefined ? finding : { ...finding, where };
}
