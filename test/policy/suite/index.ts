import type { SuiteCase } from './case.js';
import { crossCases } from './cross.js';
import { diffCases } from './diff.js';
import { measuredKeys } from './history.js';
import { menuCases } from './menu-rail.js';
import { noopCases } from './noop.js';
import { rangeCases } from './range.js';
import { repeatCases } from './repeat.js';
import { safeCases } from './safe.js';
import { schemaCases } from './schema.js';
import { sweepCases } from './sweep.js';

/** Every case of cases.json, in its order. */
export function suite(): SuiteCase[] {
  return [
    ...schemaCases,
    ...menuCases,
    ...rangeCases,
    ...noopCases,
    ...crossCases,
    ...diffCases,
    ...repeatCases,
    ...safeCases,
    ...sweepCases(measuredKeys),
  ];
}

/** The text of cases.json: a case a line, and what does not show is escaped so that it can be read and diffed. */
export function suiteText(): string {
  const lines = suite().map((entry) =>
    JSON.stringify(entry).replace(/[\p{Cc}\p{Cf}\p{Mn}\p{Zl}\p{Zp}]|\u00a0/gu, (character) =>
      [...Array(character.length).keys()]
        .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`)
        .join(''),
    ),
  );
  return `[\n${lines.join(',\n')}\n]\n`;
}
