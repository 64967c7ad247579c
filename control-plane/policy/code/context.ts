import type { SourceFile } from '@nightshift/protocol';

/** What the spec seals. Names are compared as they stand in the code; a dotted one by its end. */
export interface Sealed {
  metricName: string;
  /** Paths relative to the project. */
  sealedFiles: string[];
  /** Variables and environment variables that hold the seed. */
  seedNames: string[];
  /** Variables and environment variables that hold the time budget. */
  clockNames: string[];
}

/** What a patch is judged against. Nothing here is read from a disk: the caller gives the texts. */
export interface CodeContext {
  /** The editable files of the incumbent, as they are. */
  files: SourceFile[];
  /** Editable paths; one without a text in `files` may be created. */
  editable: string[];
  maxChangedLines: number;
  /** Bytes of one file after the patch. */
  maxFileBytes?: number;
  /** Modules (`scipy`) and primitives (`os.system`, `fetch`) that the spec allows beyond what the base has. */
  allow: string[];
  sealed: Sealed;
  /** Says whether the tree of this hash was measured before or is being measured now. */
  measured: (treeHash: string) => boolean | { description: string };
  repeat: 'reject' | 'replicate' | 'allow';
}

/**
 * Something that a rail cares about in a text, base or patched. What the base has too is no news: findings are compared by `key`.
 * `allowedBy` is what the spec can allow it by.
 */
export interface Finding {
  rail: 'imports' | 'sealed' | 'secrets';
  key: string;
  line: number;
  reason: string;
  allowedBy: string | null;
  /** `come`: one more is no matter, one less is. `go`: one less is no matter. `both`: it only says what the base has. */
  free?: 'come' | 'go' | 'both';
  /** News only where the base has a finding of this key. */
  where?: string;
  /** Having it once is having it: how often is no matter. */
  isOnce?: boolean;
}
