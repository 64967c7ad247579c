import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARCHIVE_CHUNK_BYTES, encodeArchive } from '@nightshift/protocol';
import { deleteOldArchives, insertToken, newSecret } from '@nightshift/db';
import { createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
import { paperBox } from '../testing/paper-box.js';
import { SMALL_SPEC, testApi, type TestApi } from '../testing/test-api.js';

const tree = (size: number) => {
  const bytes = Buffer.from(encodeArchive([{ path: 'data', isExecutable: false, content: randomBytes(size) }]));
  return { bytes, id: createHash('sha256').update(bytes).digest('hex') };
};

describe('an upload of a working tree', () => {
  let database: TestDatabase;
  let api: TestApi;
  beforeAll(async () => {
    database = await createTestDatabase();
    api = await testApi(database.db);
  });
  afterAll(async () => {
    expect(api.errors).toEqual([]);
    api.stop();
    await database.drop();
  });
  const put = async (id: string, part: Buffer, offset: number, size: number, token = api.admin) => {
    const response = await api.app.request(`/v1/archives/${id}?offset=${offset}&size=${size}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(part),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  async function content(id: string, token: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (;;) {
      const offset = parts.reduce((sum, part) => sum + part.length, 0);
      const response = await api.call('GET', `/v1/archives/${id}/content?offset=${offset}`, { token });
      expect(response.status).toBe(200);
      const part = Buffer.from(await response.arrayBuffer());
      if (part.length === 0) return Buffer.concat(parts);
      parts.push(part);
    }
  }

  it('is deleted a week after its last run has ended, and never while one needs it', async () => {
    const { bytes, id } = tree(10);
    const clean = () => database.db.transaction((tx) => deleteOldArchives(tx, 7));
    const age = async () => {
      await database.sql`update archives set created_at = now() - interval '8 days' where id = ${id}`;
    };
    await put(id, bytes, 0, bytes.length);
    expect(await clean()).toBe(0);
    const spec = { ...SMALL_SPEC, source: { archive: id, size: bytes.length } };
    const body = (await api.json('POST', '/v1/runs', { body: { spec } })).body as { id: string };
    await age();
    expect(await clean()).toBe(0);
    await database.sql`update runs set state = 'failed', end_reason = 'x', ended_at = now() - interval '6 days' where id = ${body.id}`;
    expect(await clean()).toBe(0);
    await database.sql`update runs set ended_at = now() - interval '8 days' where id = ${body.id}`;
    expect(await clean()).toBe(1);
    expect((await api.json('GET', `/v1/archives/${id}`)).status).toBe(404);
    expect((await api.json('POST', '/v1/runs', { body: { spec } })).status).toBe(422);
    expect((await put(id, bytes.subarray(0, 5), 0, bytes.length)).status).toBe(200);
    await age();
    expect(await clean()).toBe(1);
  });

  it('that is sent again after a week is there for the run that follows, and a rewind says when its tree was deleted', async () => {
    const { bytes, id } = tree(10);
    const clean = () => database.db.transaction((tx) => deleteOldArchives(tx, 7));
    await put(id, bytes, 0, bytes.length);
    await database.sql`update archives set created_at = now() - interval '8 days' where id = ${id}`;
    expect((await put(id, bytes.subarray(-1), bytes.length - 1, bytes.length)).body).toMatchObject({
      isComplete: true,
    });
    expect(await clean()).toBe(0);
    const spec = { ...SMALL_SPEC, source: { archive: id, size: bytes.length } };
    const run = (await api.json('POST', '/v1/runs', { body: { spec } })).body as { id: string };
    await database.sql`update runs set state = 'failed', end_reason = 'x', ended_at = now() - interval '8 days' where id = ${run.id}`;
    await database.sql`update archives set created_at = now() - interval '9 days' where id = ${id}`;
    expect(await clean()).toBe(1);
    expect(await api.json('POST', `/v1/runs/${run.id}/rewind`, { body: { iteration: 0 } })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining(`the working tree ${id} was deleted`) },
    });
  });

  it('goes on where it was cut off, takes nothing twice, and is read by boxes', async () => {
    const { bytes, id } = tree(5 * ARCHIVE_CHUNK_BYTES);
    const part = (from: number) => bytes.subarray(from, from + ARCHIVE_CHUNK_BYTES);
    expect((await api.json('GET', `/v1/archives/${id}`)).status).toBe(404);
    expect((await put(id, part(0), 0, bytes.length)).body).toMatchObject({
      received: ARCHIVE_CHUNK_BYTES,
      isComplete: false,
    });
    expect((await put(id, part(0), 0, bytes.length)).body).toMatchObject({ received: ARCHIVE_CHUNK_BYTES });
    expect(await put(id, part(9), 3 * ARCHIVE_CHUNK_BYTES, bytes.length)).toMatchObject({
      status: 409,
      body: { detail: `${ARCHIVE_CHUNK_BYTES} bytes are stored: go on from there` },
    });
    expect((await api.call('GET', `/v1/archives/${id}/content`)).status).toBe(404);
    // A part that begins within what is there.
    let { received } = (await put(id, part(1000), 1000, bytes.length)).body as { received: number };
    expect(received).toBe(ARCHIVE_CHUNK_BYTES + 1000);
    while (received < bytes.length)
      ({ received } = (await put(id, part(received), received, bytes.length)).body as { received: number });
    expect((await api.json('GET', `/v1/archives/${id}`)).body).toEqual({
      id,
      size: bytes.length,
      received,
      isComplete: true,
    });
    const box = await paperBox(database.db);
    const credential = newSecret('nsb');
    await insertToken(database.db, { kind: 'box', secret: credential, name: 'box', boxId: box.id });
    expect((await content(id, credential)).equals(bytes)).toBe(true);
    expect((await content(id, await api.token('read'))).equals(bytes)).toBe(true);
    expect((await api.call('GET', `/v1/archives/${id}`, { token: credential })).status).toBe(401);
    expect((await api.call('GET', `/v1/archives/${id}/content`, { token: 'nsb_wrong' })).status).toBe(401);
  });

  it('keeps nothing whose bytes are not those of the id', async () => {
    const { bytes, id } = tree(100);
    const other = Buffer.from(bytes);
    other[other.length - 20] = (other[other.length - 20] as number) ^ 1;
    expect(await put(id, other, 0, other.length)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('SHA-256') },
    });
    expect((await put(id, bytes, 0, bytes.length)).body).toMatchObject({ isComplete: true });
    expect(await put(id, Buffer.from('more'), bytes.length, bytes.length)).toMatchObject({ status: 409 });
  });

  it('has limits, and needs the scope run', async () => {
    const { bytes, id } = tree(10);
    expect((await put(id, Buffer.alloc(ARCHIVE_CHUNK_BYTES + 1), 0, ARCHIVE_CHUNK_BYTES + 1)).status).toBe(413);
    expect((await put(id, bytes, 0, 1e9)).status).toBe(400);
    expect((await put('xyz', bytes, 0, bytes.length)).status).toBe(400);
    expect((await put(id, bytes, 0, bytes.length, await api.token('read'))).status).toBe(403);
    expect((await api.json('PUT', `/v1/archives/${id}?offset=0&size=3`, { body: {} })).status).toBe(415);
  });

  it('is complete before a run starts on it', async () => {
    const { bytes, id } = tree(10);
    const body = { spec: { ...SMALL_SPEC, source: { archive: id, size: bytes.length } } };
    expect(await api.json('POST', '/v1/runs', { body })).toMatchObject({ status: 422, body: { code: 'invalid_spec' } });
    await put(id, bytes, 0, bytes.length);
    expect(await api.json('POST', '/v1/runs', { body })).toMatchObject({
      status: 201,
      body: { spec: { source: { kind: 'archive', id, commit: null } } },
    });
  });
});
