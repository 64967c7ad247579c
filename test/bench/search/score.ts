import { configKey, type Config } from '@nightshift/protocol';
import { reportedBest, type ReportedBest } from '@nightshift/control-plane/decision/index';
import { spaceOf } from '@nightshift/control-plane/search/space';
import type { KeepRule } from './keep-rule.js';
import type { Course, Work } from './objectives.js';
import type { RaceLog, RaceResult } from './race.js';

/** What the run would report: by its confirmation where it chose anything, as in the loop. */
export function claimOf({ groups, chosen, confirmation }: RaceLog, { goal, base }: Work): ReportedBest | null {
  const baselineKey = configKey(base);
  const isKept = configKey(chosen) !== baselineKey;
  return reportedBest({ goal, groups, baselineKey, confirmation: isKept ? confirmation : null });
}

/** What a race was worth, by the truth. */
export function score(log: RaceLog, course: Course, rule: KeepRule): RaceResult {
  const sign = course.goal === 'minimize' ? 1 : -1;
  const gap = Math.abs(course.baseValue - course.best.value) || 1;
  const truth = (config: Config) => {
    const measured = course.measure(config);
    return 'value' in measured ? measured.value : Infinity * sign;
  };
  const within = (limit: number) => [...log.touched.values()].filter((turn) => turn <= limit).length;
  const { distinct, wastedRepeats, nearRepeats, failures, guardBreaks, modelTurns, kept } = log;
  return {
    distinct,
    wastedRepeats,
    nearRepeats,
    failures,
    guardBreaks,
    modelTurns,
    keeps: kept.length,
    falseKeeps: kept.filter(({ config, over }) => sign * (truth(over) - truth(config)) <= 0).length,
    regret: log.incumbents.map((config) => Math.abs(truth(config) - course.best.value) / gap),
    knobsTouched30: within(30),
    knobsTouchedFirst: within(spaceOf(course.menu).axes.length),
    claimError: claimError(),
  };

  function claimError(): RaceResult['claimError'] {
    const truthOf = (key: string) => truth(log.groups.find((group) => group.key === key)?.config as Config);
    if (rule.name === 'naive') {
      const all = log.groups.flatMap(({ key, values }) => values.map((value) => ({ key, value })));
      const luckiest = all.reduce((a, b) => (sign * b.value < sign * a.value ? b : a));
      const off = Math.abs(luckiest.value - truthOf(luckiest.key));
      return { inStandardErrors: off / course.noiseSd, relative: off / Math.abs(course.baseValue) };
    }
    const best = claimOf(log, course);
    if (!best) return { inStandardErrors: null, relative: 0 };
    const off = Math.abs(best.shrunken - truthOf(best.key));
    return {
      inStandardErrors: best.standardError ? off / best.standardError : null,
      relative: off / Math.abs(course.baseValue),
    };
  }
}
