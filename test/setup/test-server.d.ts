export interface TestServer {
  adminUrl: string;
  /** A migrated, empty database that nobody is connected to. */
  template: string;
}
/** Starts a server in `dir`, or uses the one at `externalUrl`, and migrates a template database in it. */
export declare function startTestServer(
  dir: string,
  externalUrl: string | undefined,
  template: string,
): Promise<
  TestServer & {
    stop(): Promise<void>;
  }
>;
/** The same server's URL for another database. */
export declare function databaseUrl(adminUrl: string, database: string): string;
export declare function administer(adminUrl: string, statement: string): Promise<void>;
/** Removes what killed runs left behind: their directories, and a server that outlived them. */
export declare function sweepAbandoned(): Promise<void>;
