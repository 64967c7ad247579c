import { type Database, type OpenOptions } from '@nightshift/db/open';
export interface TestDatabase extends Database {
  /** Closes the database and removes it. */
  drop(): Promise<void>;
}
/** An empty, migrated database of one's own: make it in beforeAll, drop it in afterAll. */
export declare function createTestDatabase(options?: Pick<OpenOptions, 'max'>): Promise<TestDatabase>;
/** An empty database with no tables, for tests of migrations; returns its URL and a way to remove it. */
export declare function createEmptyDatabase(): Promise<{
  url: string;
  drop(): Promise<void>;
}>;
