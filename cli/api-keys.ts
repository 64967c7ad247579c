import type { Log } from '@nightshift/control-plane/loop/deps';

/**
 * Reads the keys that specs name with apiKeyEnv. Whoever may start a run chooses the variable and where its value is sent, so only
 * names that end in _API_KEY or are listed in NIGHTSHIFT_API_KEY_ENVS are read; of another, the log tells once.
 */
export function apiKeys(env: NodeJS.ProcessEnv, log: Pick<Log, 'warn'>): (name: string) => string | undefined {
  const listed = new Set((env['NIGHTSHIFT_API_KEY_ENVS'] ?? '').split(',').map((name) => name.trim()));
  listed.delete('');
  const told = new Set<string>();
  return (name) => {
    if (name.endsWith('_API_KEY') || listed.has(name)) return env[name];
    if (!told.has(name) && told.size < MOST_TOLD) {
      told.add(name);
      log.warn(
        { variable: name },
        `a spec asks for ${name} with apiKeyEnv: no key is given. To allow it, list it in NIGHTSHIFT_API_KEY_ENVS (comma separated)`,
      );
    }
    return undefined;
  };
}

/** Names come from outside: neither the log nor what is remembered grows without end. */
const MOST_TOLD = 100;
