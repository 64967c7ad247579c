import { UNSEALED_WARNING } from '@nightshift/protocol';
import type { Run } from './client.js';

/** What whoever starts or follows a run is told of who measures; empty when there is nothing to beware of. */
export function unsealedText({ measurement }: Pick<Run, 'measurement'>): string {
  return measurement === 'unsealed'
    ? `warning: ${UNSEALED_WARNING}\n  → give job.evaluate a command of its own to seal it\n`
    : '';
}
