import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '@nightshift/protocol';
import { z } from 'zod';

/** Where things of one user lie. Everything below `path` is readable by that user only. */
export interface Home {
  path: string;
  /** Written by `login`. */
  config: string;
  /** The administrator's token, written by `serve` on its first start. */
  token: string;
  postgres: string;
  agent: string;
  demo: string;
}

export function homeAt(path: string | undefined): Home {
  const root = resolve(path ?? join(homedir(), '.nightshift'));
  return {
    path: root,
    config: join(root, 'config.json'),
    token: join(root, 'token'),
    postgres: join(root, 'postgres'),
    agent: join(root, 'agent'),
    demo: join(root, 'demo'),
  };
}

const configSchema = z.object({ server: z.url({ protocol: /^https?$/ }), token: z.string().min(1) });
export type ClientConfig = z.infer<typeof configSchema>;

/** What `login` wrote; null when nobody has logged in. */
export function readConfig(home: Home): ClientConfig | null {
  const text = readIfThere(home.config);
  if (text === null) return null;
  try {
    return configSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new AppError('config_invalid', `${home.config} is damaged`, {
      cause: error,
      hint: 'write it anew with: nightshift login',
    });
  }
}

export function writeConfig(home: Home, config: ClientConfig): void {
  writePrivate(home.config, `${JSON.stringify(config, null, 2)}\n`);
}

export function readTokenFile(path: string): string | null {
  return readIfThere(path)?.trim() || null;
}

/** Writes a file that only its owner can read; readers see the old content or the new, never a part. */
export function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, path);
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
