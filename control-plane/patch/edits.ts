/** A run of a unified diff's lines. `start` is null where the header has no numbers. */
export interface Hunk {
  header: string;
  oldStart: number | null;
  oldCount: number | null;
  newCount: number | null;
  /** Each with its mark: space, - or +. */
  lines: string[];
  /** A marker said that the last old or new line has no line end. */
  oldEndsOpen: boolean;
  newEndsOpen: boolean;
}

/** What a diff says of a file besides its text; each is a reason for the rail `paths`. */
export type Oddity = 'rename' | 'copy' | 'mode' | 'symlink' | 'submodule' | 'binary';

/** One edit that an answer asks for, as it was written down and before it meets any file. `path` is null when the answer names none. */
export type Edit =
  | { kind: 'replace'; path: string | null; search: string[]; replacement: string[] }
  | { kind: 'whole'; path: string | null; content: string }
  | {
      kind: 'diff';
      path: string;
      oldPath: string;
      isNew: boolean;
      isDeleted: boolean;
      oddities: Oddity[];
      hunks: Hunk[];
    };

export interface Answer {
  edits: Edit[];
  summary: string;
  reason: string;
}
