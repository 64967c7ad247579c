import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from '@hono/zod-openapi';
import type { AppError, ErrorCode, FieldError } from '@nightshift/protocol';

/** Every code's HTTP status: the only place where one becomes the other. */
export const STATUS: Record<ErrorCode, ContentfulStatusCode> = {
  bad_request: 400,
  invalid_spec: 422,
  invalid_menu: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  idempotency_mismatch: 409,
  illegal_state: 409,
  stale: 409,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  rate_limited: 429,
  unavailable: 503,
  config_invalid: 500,
  database_unavailable: 503,
  database_locked: 503,
  migration_error: 500,
  protocol_error: 400,
  internal: 500,
};

const TITLES: Partial<Record<ErrorCode, string>> = {
  bad_request: 'The request is not valid',
  invalid_spec: 'The spec is not valid',
  invalid_menu: 'The menu is not valid',
  unauthenticated: 'A valid bearer token is needed',
  forbidden: 'The token may not do this',
  not_found: 'There is no such thing',
  internal: 'Something went wrong on our side',
};

/** RFC 9457. `code` is for programs, `detail` for people. */
export const problemSchema = z
  .object({
    type: z.string().openapi({ example: 'https://nightshift.dev/problems/not_found' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    requestId: z.string(),
    hint: z.string().optional(),
    errors: z
      .array(
        z.object({
          path: z.string(),
          message: z.string(),
          line: z.number().int().optional(),
          column: z.number().int().optional(),
        }),
      )
      .optional(),
  })
  .openapi('Problem');

interface ProblemFields {
  code: ErrorCode;
  detail: string;
  hint?: string | undefined;
  errors?: FieldError[] | undefined;
  status?: ContentfulStatusCode;
}

export function problem(c: Context, { code, detail, hint, errors, status = STATUS[code] }: ProblemFields): Response {
  const body = {
    type: `https://nightshift.dev/problems/${code}`,
    title: TITLES[code] ?? code.replaceAll('_', ' '),
    status,
    detail,
    code,
    requestId: (c.get('requestId') as string | undefined) ?? '',
    ...(hint === undefined ? {} : { hint }),
    ...(errors === undefined ? {} : { errors }),
  };
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  return c.body(JSON.stringify(body), status, headers);
}

export function problemOf(c: Context, error: AppError): Response {
  return problem(c, { code: error.code, detail: error.message, hint: error.hint, errors: error.errors });
}

/** What any route with a body may answer; goes into `problems`. */
export const BAD_BODY = ['too_large', 'unsupported_media_type'] as const;

/** The error answers of a route, for its OpenAPI description. */
export function problems(
  ...codes: ErrorCode[]
): Record<number, { description: string; content: { 'application/problem+json': { schema: typeof problemSchema } } }> {
  const answers: ReturnType<typeof problems> = {};
  for (const code of ['bad_request', 'unauthenticated', 'forbidden', ...codes] as ErrorCode[])
    answers[STATUS[code]] = {
      description: TITLES[code] ?? code.replaceAll('_', ' '),
      content: { 'application/problem+json': { schema: problemSchema } },
    };
  return answers;
}
