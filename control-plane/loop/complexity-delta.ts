import type { SourceFile } from '@nightshift/protocol';
import { complexityOf } from '../patch/index.js';

/** Branches after a patch minus branches before, over the files that can be read as code. Pure. */
export function complexityDeltaOf(before: readonly SourceFile[], after: readonly SourceFile[]): number {
  const sum = (files: readonly SourceFile[]) =>
    files.reduce((total, { path, content }) => total + (complexityOf(path, content) ?? 0), 0);
  return sum(after) - sum(before);
}
