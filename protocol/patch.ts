/** One file of a patch. `before` is the SHA-256 (hex) of its bytes in UTF-8, null for a new file; `after` is null for a deleted one. */
export interface PatchedFile {
  path: string;
  before: string | null;
  after: string | null;
}

/**
 * A change to editable files in one canonical form: the same change gives the same patch, however it was written down.
 * `files` is sorted by path and has no file that stays as it is; `diff` is a unified diff (three lines of context) that git applies.
 */
export interface Patch {
  files: PatchedFile[];
  diff: string;
  /** Lines of the diff that begin with + and with -. */
  added: number;
  removed: number;
}

/** A text file, its path relative to the project with forward slashes. */
export interface SourceFile {
  path: string;
  content: string;
}

/** One change in code mode. `summary` is one line of at most 72 characters: the subject of a kept patch's commit. */
export interface CodeProposal {
  summary: string;
  reason: string;
  patch: Patch;
}
