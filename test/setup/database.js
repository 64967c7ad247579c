import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { openDatabase } from '@nightshift/db/open';
import { inject } from 'vitest';
import { administer, databaseUrl } from './test-server.js';
/** An empty, migrated database of one's own: make it in beforeAll, drop it in afterAll. */
export async function createTestDatabase(options = {}) {
    const { adminUrl, template } = await testServer();
    const name = `nightshift_test_${randomBytes(6).toString('hex')}`;
    await administer(adminUrl, `create database ${name} template ${template}`);
    const database = await openDatabase({ url: databaseUrl(adminUrl, name), max: options.max ?? 5 });
    return {
        ...database,
        async drop() {
            await database.close();
            await administer(adminUrl, `drop database if exists ${name} with (force)`);
        },
    };
}
/** An empty database with no tables, for tests of migrations; returns its URL and a way to remove it. */
export async function createEmptyDatabase() {
    const { adminUrl } = await testServer();
    const name = `nightshift_test_${randomBytes(6).toString('hex')}`;
    await administer(adminUrl, `create database ${name} template template0`);
    return {
        url: databaseUrl(adminUrl, name),
        drop: () => administer(adminUrl, `drop database if exists ${name} with (force)`),
    };
}
/** The server of this run, started by the first to ask. */
async function testServer() {
    const answer = JSON.parse(await text(connect(inject('nightshiftPostgres'))));
    if (answer.error !== undefined)
        throw new Error(`No Postgres for the tests: ${answer.error}`);
    return answer;
}
//# sourceMappingURL=database.js.map