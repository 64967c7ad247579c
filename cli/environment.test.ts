import { describe, expect, it } from 'vitest';
import type { AppError } from '@nightshift/protocol';
import { readEnvironment } from './environment.js';

describe('readEnvironment', () => {
  it('takes an empty variable for one that is not set', () => {
    expect(readEnvironment({ NIGHTSHIFT_PORT: '', DATABASE_URL: '', PATH: '/bin' })).toMatchObject({
      port: undefined,
      databaseUrl: undefined,
    });
  });

  it('reads a port as a number', () => {
    expect(readEnvironment({ NIGHTSHIFT_PORT: '8080' }).port).toBe(8080);
  });

  it('names every variable that is wrong, and never its value', () => {
    const bad = {
      NIGHTSHIFT_PORT: '99999',
      NIGHTSHIFT_SERVER: 'ftp://secret',
      DATABASE_URL: 'mysql://u:secret@h/d',
      NIGHTSHIFT_TOKEN: 'secret with blanks',
    };
    const error = (() => {
      try {
        readEnvironment(bad);
      } catch (thrown) {
        return thrown as AppError;
      }
      return undefined;
    })();
    expect(error?.code).toBe('config_invalid');
    expect(error?.errors?.map(({ path }) => path).sort()).toEqual(Object.keys(bad).sort());
    expect(JSON.stringify(error?.errors)).not.toContain('secret');
  });
});
