/** One byte range of RFC 9110: from a place, between two (both included), or the last so many. Null when it is none that we answer. */
export type ByteRange = { from: number; to: number | null } | { last: number };

export function parseRange(header: string): ByteRange | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim());
  if (!match) return null;
  const [, from = '', to = ''] = match;
  if (from === '') return to === '' || Number(to) === 0 ? null : { last: Number(to) };
  if (to !== '' && Number(to) < Number(from)) return null;
  return { from: Number(from), to: to === '' ? null : Number(to) };
}
