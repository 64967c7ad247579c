/** What a token may do. */
export const SCOPES = ['read', 'run', 'attach', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** Whoever may start and steer runs, or type into a job, must see them to do so. */
const INCLUDED: Record<Scope, readonly Scope[]> = {
  read: [],
  run: ['read'],
  attach: ['read'],
  admin: SCOPES,
};

/** Whether a token with these scopes has one of them, itself or in another that includes it. Names that are no scopes grant nothing. */
export function grants(scopes: readonly string[], scope: Scope): boolean {
  return SCOPES.some((held) => scopes.includes(held) && (held === scope || INCLUDED[held].includes(scope)));
}
