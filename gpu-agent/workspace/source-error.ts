import type { JobReason } from '@nightshift/protocol';

/** Work could not be prepared: an expected end of a job, with its reason. */
export class SourceError extends Error {
  constructor(
    readonly reason: Extract<JobReason, 'source_unavailable' | 'setup_failed' | 'disk_full' | 'sealed_files_changed'>,
    message: string,
  ) {
    super(message);
    this.name = 'SourceError';
  }
}
