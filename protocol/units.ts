import { z } from 'zod';

const DURATION_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const DURATION_PARTS = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** A duration in a spec may be no longer: what is made of it must be a number that a database and a timer take. */
const MAX_DAYS = 366;
const MAX_LENGTH = 30;

/** "300s", "8h", "1h30m", "250ms" in milliseconds; null when it is not a duration, has above 30 characters or is above 366 days. */
export function parseDurationMs(text: string): number | null {
  if (text.length > MAX_LENGTH || !DURATION_PARTS.test(text)) return null;
  let total = 0;
  for (const part of text.match(/\d+(?:\.\d+)?(?:ms|s|m|h|d)/g) ?? []) {
    const match = DURATION.exec(part);
    if (!match) return null;
    total += Number(match[1]) * (DURATION_MS[match[2] as string] as number);
  }
  return total <= MAX_DAYS * 86_400_000 ? Math.round(total) : null;
}

/** A duration in a spec: text with a unit. A bare number is refused, since nobody can tell its unit. */
export const duration = z
  .string({
    error: (issue) =>
      `needs a duration with a unit, such as 300s, 10m or 8h${issue.input === undefined ? '' : `; got ${JSON.stringify(issue.input)}`}`,
  })
  .max(MAX_LENGTH, { error: `needs a duration of ${MAX_LENGTH} characters at most`, abort: true })
  .regex(DURATION_PARTS, {
    error: 'needs a duration with a unit (ms, s, m, h, d), such as 300s, 10m or 1h30m',
    abort: true,
  })
  .refine((text) => parseDurationMs(text) !== null, `a duration is ${MAX_DAYS} days at most`)
  .describe('a duration with a unit: 250ms, 300s, 10m, 8h, 1h30m; 366 days at most');

/** A duration in words people read: "4.2 s", "3 min 10 s", "2 h 5 min". */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  // Rounded before it is taken apart: else the last unit could come to 60.
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
