import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findConnection } from './connection.js';
import { homeAt, writeConfig, writePrivate, type Home } from './home.js';

const nothing = { server: undefined, token: undefined };

describe('findConnection', () => {
  let home: Home;
  beforeEach(() => {
    home = homeAt(mkdtempSync(join(tmpdir(), 'nightshift-cli-')));
  });
  afterEach(() => rmSync(home.path, { recursive: true }));

  it('falls back to this machine, with the token that serve left', () => {
    expect(findConnection(home, nothing, {})).toEqual({ server: 'http://127.0.0.1:7700', token: null });
    writePrivate(home.token, 'nst_local\n');
    expect(findConnection(home, nothing, {}).token).toBe('nst_local');
    expect(findConnection(home, nothing, { server: 'http://localhost:9/' })).toEqual({
      server: 'http://localhost:9',
      token: 'nst_local',
    });
  });

  it('goes to the port on which serve listens, when that left one in this home', () => {
    writePrivate(home.token, 'nst_local\n');
    writePrivate(home.server, 'http://192.168.1.5:7822\n');
    const served = { server: 'http://192.168.1.5:7822', token: 'nst_local' };
    expect(findConnection(home, nothing, {})).toEqual(served);
    expect(findConnection(home, nothing, { server: 'http://192.168.1.5:7823' }).token).toBeNull();
    writeConfig(home, { server: 'https://a.example', token: 'kept' });
    expect(findConnection(home, nothing, {}).server).toBe('https://a.example');
    rmSync(home.config);
    writePrivate(home.server, 'damaged');
    expect(findConnection(home, nothing, {}).server).toBe('http://127.0.0.1:7700');
  });

  it('prefers the command line to the environment to the login', () => {
    writeConfig(home, { server: 'https://a.example', token: 'kept' });
    expect(findConnection(home, nothing, {})).toEqual({ server: 'https://a.example', token: 'kept' });
    const environment = { server: 'https://b.example', token: 'set' };
    expect(findConnection(home, environment, {})).toEqual({ server: 'https://b.example', token: 'set' });
    expect(findConnection(home, environment, { server: 'https://c.example', token: 'said' })).toEqual({
      server: 'https://c.example',
      token: 'said',
    });
  });

  it('never sends a token that was kept for one server to another', () => {
    writeConfig(home, { server: 'https://a.example', token: 'kept' });
    writePrivate(home.token, 'nst_local\n');
    expect(findConnection(home, nothing, { server: 'https://evil.example' }).token).toBeNull();
    expect(findConnection(home, nothing, { server: 'http://127.evil.example' }).token).toBeNull();
    expect(findConnection(home, nothing, { server: 'http://127.0.0.1:7700' }).token).toBe('nst_local');
  });

  it('keeps secrets readable by their owner only', () => {
    writeConfig(home, { server: 'https://a.example', token: 'kept' });
    expect(statSync(home.config).mode & 0o777).toBe(0o600);
  });
});
