import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '@nightshift/protocol';

/** The folder of a shipped example, found upwards from this file, which is run from its source and from `dist`. */
export function findExample(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const example = join(folder, 'examples', name);
    if (existsSync(join(example, 'nightshift.yaml'))) return example;
    const parent = dirname(folder);
    if (parent === folder)
      throw new AppError('not_found', `the example ${name} is not beside this installation`, {
        hint: 'run the demo from a checkout of the repository',
      });
    folder = parent;
  }
}
