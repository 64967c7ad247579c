import { z } from 'zod';

const KINDS: Record<string, string> = {
  object: 'a map',
  record: 'a map',
  array: 'a list',
  tuple: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

type Raw = z.core.$ZodRawIssue;

/** What a value of each type needs, in words that a person who wrote the file knows. */
export function kindText(type: string): string {
  return KINDS[type] ?? type;
}

/**
 * What is wrong with a value where its schema has no words of its own; undefined leaves it to zod. A missing value is one of type
 * undefined there.
 */
function plainWords(issue: Raw): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] === undefined
        ? undefined
        : `needs ${kindText(issue.expected)}${issue.input === undefined ? ', and is missing' : ''}`;
    case 'too_small':
      return sizeText(issue.origin, Number(issue.minimum), issue.inclusive === false ? 'above' : 'at least');
    case 'too_big':
      return sizeText(issue.origin, Number(issue.maximum), issue.inclusive === false ? 'below' : 'at most');
    case 'invalid_value':
      return `needs ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(quoted).join(', ')}`;
    case 'not_multiple_of':
      return `needs a multiple of ${issue.divisor}`;
    default:
      return undefined;
  }
}

function quoted(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function sizeText(origin: string, limit: number, relation: string): string {
  if (origin === 'string' && relation === 'at least' && limit === 1) return 'must not be empty';
  if (origin === 'string') return `needs ${relation} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
  if (origin === 'array' || origin === 'set') return `needs ${relation} ${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  return `must be ${relation} ${limit}`;
}

// A schema's own words come before these, wherever it is parsed: in a file, a request, a frame or the environment.
z.config({ customError: plainWords });
