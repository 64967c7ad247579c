import type { Finding } from './context.js';
import { isTimed, type Binding, type Flow, type Held, type HeldName, type Reads } from './held.js';
import { trainingFindings } from './training.js';

const REASON: Record<HeldName['what'], string> = {
  metric: 'which the metric is printed from',
  clock: 'which tells the time',
  place: 'which says where a file is written',
};

/**
 * Every binding of a held name, every stop by the clock, and what goes round one. Those of the base are no news; a new one, or one that is
 * gone, is. A stop more ends sooner, and a file that is no longer written harms nobody.
 */
export function heldFindings(flow: Flow, held: Held): Finding[] {
  const aliases = aliasesOf(flow.bindings, held);
  const isClock = (key: string) => held.get(key)?.what === 'clock';
  const isStop = (parts: readonly Reads[]) => parts.some((part) => isTimed(part) || part.direct.some(isClock));
  const stops = flow.stops.filter(({ parts }) => isStop(parts));
  return [
    ...flow.bindings.flatMap((binding) => boundFinding(binding, held, aliases) ?? []),
    ...stops.map(({ unit, line }) => ({
      rail: 'sealed' as const,
      key: `stop|${unit}`,
      line,
      reason: 'it ends the training by the clock',
      allowedBy: null,
      free: 'come' as const,
    })),
    ...flow.skips
      .filter(({ from, to }) => {
        const isLater = (at: { from: number }) => at.from > from && at.from < to;
        return stops.some(isLater) || flow.bindings.some((at) => isLater(at) && isClock(at.key));
      })
      .map(({ unit, line }) => ({
        rail: 'sealed' as const,
        key: `skip|${unit}`,
        line,
        reason: 'it begins the next round before the clock is asked (leave the rest out by a condition instead)',
        allowedBy: null,
        free: 'go' as const,
      })),
    ...trainingFindings(flow.work, held),
  ];
}

function boundFinding(
  { key, name, unit, text, line, how, isOwnPlace }: Binding,
  held: Held,
  aliases: ReadonlyMap<string, HeldName>,
): Finding | null {
  const known = held.get(key) ?? (how === 'set' ? undefined : aliases.get(key));
  if (known === undefined || (known.what === 'place' && isOwnPlace)) return null;
  const free = known.what === 'place' ? 'go' : known.sets.has(text) ? 'come' : null;
  return {
    rail: known.what === 'place' ? 'imports' : 'sealed',
    key: `held ${key}|${unit}`,
    line,
    reason: `it ${how === 'set' ? 'sets' : 'changes'} ${name}, ${REASON[known.what]}`,
    allowedBy: null,
    ...(free === null ? {} : { free }),
  };
}

/** Other names of what a held name holds, over any number of assignments: changed in place, it changes under both. */
function aliasesOf(bindings: readonly Binding[], held: Held): Map<string, HeldName> {
  const found = new Map<string, HeldName>();
  for (let before = -1; before < found.size;) {
    before = found.size;
    for (const { key, carries, how } of bindings) {
      if (how !== 'set' || held.has(key)) continue;
      const known = carries.map((name) => held.get(name) ?? found.get(name)).find((name) => name !== undefined);
      if (known && known.what !== 'place') found.set(key, known);
    }
  }
  return found;
}
