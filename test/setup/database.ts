// What tests of several rooms use; unit tests in a room import it from the package.
export { createEmptyDatabase, createTestDatabase, type TestDatabase } from '@nightshift/db/testing/database';
