#!/usr/bin/env node
// Plain JavaScript that any Node can read, so that an old one gets a clear line instead of a syntax error.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/main.js', import.meta.url);
if (Number(process.versions.node.split('.')[0]) < 20) {
  process.stderr.write(
    `nightshift needs Node 20 or newer; this is ${process.version}. Install Node 24: https://nodejs.org\n`,
  );
  process.exitCode = 64;
} else if (!existsSync(fileURLToPath(main))) {
  process.stderr.write('nightshift is not built yet: run `npm run build` in the folder of the repository.\n');
  process.exitCode = 64;
} else {
  await import(main.href);
}
