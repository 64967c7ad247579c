import type { CodeCase } from '@nightshift/control-plane/policy/code/bench-code';
import { answerCases } from './answers.js';
import { figureCases } from './figures.js';
import { flagCases } from './flags.js';
import { heldCases } from './held.js';
import { importsCases } from './imports.js';
import { noopCases, noopNodeCases, repeatCases } from './noop.js';
import { pathsCases } from './paths.js';
import { placeCases } from './places.js';
import { roundCases } from './rounds.js';
import { safeCases } from './safe.js';
import { schemaCases } from './schema.js';
import { sealedCases } from './sealed.js';
import { secretsCases } from './secrets.js';
import { sizeCases } from './size.js';
import { spellingCases } from './spelling.js';
import { syntaxCases } from './syntax.js';
import { trainerCases } from './trainer.js';
import { typescriptCases } from './typescript.js';

/** Every case, in the order of the rails. */
export const suite: CodeCase[] = [
  ...schemaCases,
  ...pathsCases,
  ...sizeCases,
  ...syntaxCases,
  ...importsCases,
  ...sealedCases,
  ...heldCases,
  ...flagCases,
  ...figureCases,
  ...roundCases,
  ...placeCases,
  ...spellingCases,
  ...answerCases,
  ...trainerCases,
  ...typescriptCases,
  ...secretsCases,
  ...noopCases,
  ...noopNodeCases,
  ...repeatCases,
  ...safeCases,
];
