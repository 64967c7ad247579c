import type { BoxFacts, JobRole } from '@nightshift/protocol';

/** Every agent knows these; of later ones an agent tells. */
const FIRST_ROLES: readonly string[] = ['baseline', 'candidate', 'replicate', 'audit'] satisfies JobRole[];

/** Whether the agent of a box takes jobs of a role: an older one would end the connection over a frame that it cannot read. */
export function knowsRole(facts: Pick<BoxFacts, 'roles'> | null, role: JobRole): boolean {
  return FIRST_ROLES.includes(role) || facts?.roles?.includes(role) === true;
}
