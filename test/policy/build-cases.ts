// Writes cases.json from the tables in suite/: npx tsx test/policy/build-cases.ts
import { writeFileSync } from 'node:fs';
import { suiteText } from './suite/index.js';

writeFileSync(new URL('cases.json', import.meta.url), suiteText());
