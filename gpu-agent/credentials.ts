import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@nightshift/protocol';
import { z } from 'zod';
import { writeAtomic } from './spool/atomic.js';

const credentialsSchema = z.object({
  server: z.string(),
  boxId: z.string(),
  name: z.string(),
  credential: z.string().min(1),
});
/** `<home>/agent.json`, mode 0600: who this box is, and what proves it. */
export type Credentials = z.infer<typeof credentialsSchema>;

export function saveCredentials(home: string, credentials: Credentials): void {
  writeAtomic(join(home, 'agent.json'), `${JSON.stringify(credentials, null, 2)}\n`, 0o600);
}

/** @throws AppError `config_invalid` when the box is not enrolled or the file is damaged. */
export function readCredentials(home: string): Credentials {
  const path = join(home, 'agent.json');
  if (!existsSync(path))
    throw new AppError('config_invalid', `this box is not enrolled: there is no ${path}`, {
      hint: 'nightshift agent enrol --server URL --token TOKEN',
    });
  try {
    return credentialsSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new AppError('config_invalid', `${path} is damaged`, {
      cause: error,
      hint: 'remove it and enrol again: nightshift agent enrol --server URL --token TOKEN',
    });
  }
}
