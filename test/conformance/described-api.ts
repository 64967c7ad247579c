import { expect } from 'vitest';
import { z } from 'zod';
import { openApiDocument } from '@nightshift/control-plane/api/app';

type Schema = Record<string, unknown>;
export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}
export interface Operation {
  operationId: string;
  parameters?: Parameter[];
  requestBody?: unknown;
  security?: object[];
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}
export interface DescribedOperation extends Operation {
  method: string;
  path: string;
}

const document = openApiDocument('0.0.0') as unknown as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

export const OPERATIONS: DescribedOperation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
);

/** A schema of the document as zod's, in which an object has no more keys than are described. */
function strict(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strict);
  if (typeof node !== 'object' || node === null) return node;
  const copy: Schema = {};
  for (const [key, value] of Object.entries(node))
    copy[key] = key === '$ref' ? String(value).replace('#/components/schemas/', '#/$defs/') : strict(value);
  if (copy.properties !== undefined && copy.additionalProperties === undefined && !('allOf' in copy))
    copy.additionalProperties = false;
  return copy;
}
const $defs = strict(document.components.schemas) as Record<string, Schema>;
const compiled = new Map<Schema, z.ZodType>();

/** Fails unless an answer is one that the document describes for the operation: its status, its type, and the shape of its JSON. */
export async function expectDescribed(operation: Operation, response: Response): Promise<string> {
  const described = operation.responses[response.status];
  const text = await response.clone().text();
  expect(described, `${operation.operationId} answered ${response.status}: ${text.slice(0, 500)}`).toBeDefined();
  const type = response.headers.get('content-type')?.split(';')[0];
  const content = described?.content;
  if (content === undefined) {
    expect(text).toBe('');
    return text;
  }
  expect(Object.keys(content), operation.operationId).toContain(type);
  const schema = content[type ?? '']?.schema;
  if (schema === undefined || !type?.endsWith('json') || type === 'application/x-ndjson') return text;
  let shape = compiled.get(schema);
  if (!shape) compiled.set(schema, (shape = z.fromJSONSchema({ ...(strict(schema) as Schema), $defs } as never)));
  const result = shape.safeParse(JSON.parse(text));
  expect(
    result.error && z.prettifyError(result.error),
    `${operation.operationId}: ${text.slice(0, 500)}`,
  ).toBeUndefined();
  return text;
}
