import type { ErrorCode } from '@nightshift/protocol';

/** What the process ends with; scripts rely on these, and `nightshift run --help` says them too. */
export const EXIT = {
  improved: 0,
  ok: 0,
  /** A check that a command was asked to make did not hold (`policy bench`, `agent doctor`). */
  checkFailed: 1,
  noImprovement: 10,
  inconclusive: 11,
  regression: 12,
  blocked: 20,
  infrastructure: 30,
  boxLost: 31,
  budgetSpent: 40,
  usage: 64,
  unreachable: 69,
  defect: 70,
  notAllowed: 77,
  cancelled: 130,
} as const;

const CODES: Record<ErrorCode, number> = {
  bad_request: EXIT.usage,
  invalid_spec: EXIT.usage,
  invalid_menu: EXIT.usage,
  config_invalid: EXIT.usage,
  not_found: EXIT.usage,
  conflict: EXIT.usage,
  idempotency_mismatch: EXIT.usage,
  illegal_state: EXIT.usage,
  stale: EXIT.usage,
  too_large: EXIT.usage,
  range_not_satisfiable: EXIT.usage,
  unsupported_media_type: EXIT.usage,
  unauthenticated: EXIT.notAllowed,
  forbidden: EXIT.notAllowed,
  unavailable: EXIT.unreachable,
  rate_limited: EXIT.unreachable,
  database_unavailable: EXIT.infrastructure,
  database_locked: EXIT.infrastructure,
  migration_error: EXIT.infrastructure,
  protocol_error: EXIT.infrastructure,
  internal: EXIT.infrastructure,
};

export function exitCodeOfError(code: ErrorCode): number {
  return CODES[code];
}
