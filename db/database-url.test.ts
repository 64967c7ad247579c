import { expect, test } from 'vitest';
import { parseDatabaseUrl } from './database-url.js';

test('a plain URL gives host, port, user, password and database', () => {
  expect(parseDatabaseUrl('postgres://ann:s%40cret@db.example:6543/night')).toMatchObject({
    options: { host: 'db.example', port: 6543, username: 'ann', password: 's@cret', database: 'night', ssl: false },
    isPooled: false,
    label: 'db.example:6543/night',
  });
});

test('a unix socket is written as a host parameter or as an encoded host', () => {
  for (const url of ['postgres://ann@localhost/night?host=/run/pg', 'postgresql://ann@%2Frun%2Fpg/night']) {
    expect(parseDatabaseUrl(url)).toMatchObject({
      options: { host: '/run/pg', port: 5432, username: 'ann', database: 'night' },
      label: '/run/pg/night',
    });
  }
});

test('a transaction pooler gets no prepared statements', () => {
  for (const query of ['pgbouncer=true', 'prepare=false']) {
    const target = parseDatabaseUrl(`postgres://h/d?${query}`);
    expect(target).toMatchObject({ isPooled: true, parameters: {}, options: { prepare: false } });
  }
  expect(parseDatabaseUrl('postgres://h/d')).toMatchObject({ isPooled: false, options: { prepare: true } });
});

test('parameters of other clients are left out and run-time parameters of the server are kept', () => {
  const target = parseDatabaseUrl('postgres://h/d?schema=public&channel_binding=require&work_mem=64MB');
  expect(target.parameters).toEqual({ work_mem: '64MB' });
});

test('TLS is what sslmode says', () => {
  const ssl = (query: string) => parseDatabaseUrl(`postgres://h/d?${query}`).options.ssl;
  expect(ssl('sslmode=disable')).toBe(false);
  expect(ssl('sslmode=require')).toBe('require');
  expect(ssl('sslmode=verify-full')).toBe('verify-full');
  expect(ssl(`sslmode=verify-ca&sslrootcert=${import.meta.filename}`)).toMatchObject({ rejectUnauthorized: true });
});

test.each([
  'localhost:5432/night',
  'mysql://h/d',
  '',
  'postgres://h/d?sslmode=maybe',
  'postgres://h/d?sslmode=verify-full&sslrootcert=/nowhere.pem',
  'postgres://a:100%@h/d',
  'postgres://h/d?connect_timeout=soon',
])('%j is refused as a configuration error', (url) => {
  expect(() => parseDatabaseUrl(url)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});

test('an error never shows the password', () => {
  expect(() => parseDatabaseUrl('postgres://ann:100%@h/d?sslmode=maybe')).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('100') }),
  );
});
