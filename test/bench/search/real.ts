import { configKey, type Config } from '@nightshift/protocol';
import type { Work } from './objectives.js';
import { raceByMeasurement, type Contender, type RaceLog } from './race.js';

/** Trainings of what was chosen, and of the baseline, after the race and with seeds of their own. */
const FRESH = 5;

/** A contender's race on one seed, and what its choice and the baseline were worth when they were trained anew. */
export interface RealResult {
  contender: string;
  seed: number;
  log: RaceLog;
  /** Of the race, the fresh trainings left out. */
  seconds: number;
  /** Round by round; null where a training failed. The baseline's are the same for all contenders of a seed. */
  fresh: { chosen: (number | null)[]; baseline: (number | null)[] };
}

/** Another one goes first in every round, so that nobody always follows the same neighbour. */
const rotated = <T>(all: readonly T[], round: number): T[] => all.map((_, i) => all[(i + round) % all.length] as T);

/**
 * Races all contenders on one seed side by side, measurement by measurement: whatever else the machine does falls on all alike.
 * `count` measurements each, beyond the baseline's; a line for each is printed as it ends.
 */
export function realRace(
  work: Work,
  contenders: readonly Contender<Work>[],
  { count, seed }: { count: number; seed: number },
  print: (line: string) => void,
): RealResult[] {
  const lanes = contenders.map((contender) => {
    const lane = { contender: contender.name, seed, seconds: 0, log: null as RaceLog | null };
    const sample: Work['sample'] = (config, ...rest) => {
      const startedAt = performance.now();
      const measured = work.sample(config, ...rest);
      lane.seconds += (performance.now() - startedAt) / 1000;
      print(`seed ${seed}, ${lane.contender}: ${changesOf(work, config)}: ${Object.values(measured).join()}`);
      return measured;
    };
    return { lane, racing: raceByMeasurement(contender, { ...work, sample }, seed, count) };
  });
  for (let round = 0; lanes.some(({ lane }) => lane.log === null); round++)
    for (const { lane, racing } of rotated(lanes, round)) {
      const step = lane.log ? null : racing.next();
      if (step?.done) lane.log = step.value;
    }
  const results = lanes.map(({ lane }) => ({ ...lane, log: lane.log as RaceLog }));
  const fresh = trainAnew(work, [work.base, ...results.map(({ log }) => log.chosen)], seed, print);
  const of = (config: Config) => fresh.get(configKey(config)) ?? [];
  return results.map((result) => ({ ...result, fresh: { chosen: of(result.log.chosen), baseline: of(work.base) } }));
}

/** Interleaved like the race. What several chose, or left as it was, is trained once for all of them. */
function trainAnew(work: Work, configs: Config[], seed: number, print: (line: string) => void) {
  const distinct = [...new Map(configs.map((config) => [configKey(config), config]))];
  const values = new Map<string, (number | null)[]>(distinct.map(([key]) => [key, []]));
  for (let round = 0; round < FRESH; round++)
    for (const [key, config] of rotated(distinct, round)) {
      // Races have seeds from 0 up, so that no training of a race has one of these.
      const measured = work.sample(config, -1 - seed, round);
      print(`seed ${seed}, fresh ${round + 1}: ${changesOf(work, config)}: ${Object.values(measured).join()}`);
      values.get(key)?.push('value' in measured ? measured.value : null);
    }
  return values;
}

function changesOf({ base }: Work, config: Config): string {
  const changed = Object.entries(config).filter(([name, value]) => base[name] !== value);
  return changed.map(([name, value]) => `${name}=${String(value)}`).join(' ') || 'baseline';
}
