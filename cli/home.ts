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
  /** Where `serve` listens, as a command on this machine reaches it; written at each of its starts. */
  server: string;
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
    server: join(root, 'server'),
    postgres: join(root, 'postgres'),
    agent: join(root, 'agent'),
    demo: join(root, 'demo'),
  };
}

const urlSchema = z.url({ protocol: /^https?$/ });
const configSchema = z.object({ server: urlSchema, token: z.string().min(1) });
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

/** The URL that `serve` left; null when there is none, or what is there is no URL. */
export function readServerFile(home: Home): string | null {
  const { data } = urlSchema.safeParse(readIfThere(home.server)?.trim());
  return data ?? null;
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
