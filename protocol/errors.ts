/** The closed list of codes that Nightshift's own errors carry. HTTP statuses are given to them once, in control-plane/api. */
export const ERROR_CODES = [
  'bad_request',
  'invalid_spec',
  'invalid_menu',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'idempotency_mismatch',
  'illegal_state',
  'stale',
  'too_large',
  'unsupported_media_type',
  'range_not_satisfiable',
  'rate_limited',
  'unavailable',
  'config_invalid',
  'database_unavailable',
  'database_locked',
  'migration_error',
  'protocol_error',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** One place in an input that is wrong: a path of keys, and what to do about it. */
export interface FieldError {
  path: string;
  message: string;
  line?: number;
  column?: number;
}

/** An error with a code that callers may branch on; the message is for people and may change. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly errors: FieldError[] | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; hint?: string | undefined; errors?: FieldError[] | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.errors = options.errors;
  }
}
