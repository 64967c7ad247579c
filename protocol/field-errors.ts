import type { z } from 'zod';
import { meantKey } from './closest-key.js';
import type { FieldError } from './errors.js';
import { kindText } from './plain-words.js';

type Issue = z.core.$ZodIssue;

/**
 * Turns zod's issues into our field errors; `known` are keys, with their places, that an unknown one may have been meant to be. Of a union, the mistakes
 * of the form that was most probably meant are told, each at its own place.
 */
export function fieldErrors(error: z.ZodError, known: readonly string[] = []): FieldError[] {
  return error.issues.flatMap((issue) => errorsOf(issue, [], known));
}

function errorsOf(issue: Issue, above: readonly string[], known: readonly string[]): FieldError[] {
  const path = [...above, ...issue.path.map(String)];
  const place = path.join('.');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: unknownKey(key, path, known) }));
  if (issue.code === 'invalid_key')
    return issue.issues.map((inner) => ({ path: place, message: `${inner.message}; got ${quote(path.at(-1) ?? '')}` }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return unionErrors(issue.errors, path, known);
  return [{ path: place, message: issue.message }];
}

function unionErrors(
  branches: readonly (readonly Issue[])[],
  path: readonly string[],
  known: readonly string[],
): FieldError[] {
  const place = path.join('.');
  const right = branches.filter((issues) => !issues.some(isOtherType));
  if (right.length === 0) {
    const kinds = [
      ...new Set(branches.flat().flatMap((i) => (i.code === 'invalid_type' ? [kindText(i.expected)] : []))),
    ];
    return [{ path: place, message: `needs ${listed(kinds)}` }];
  }
  const least = Math.min(...right.map(weight));
  const best = right.filter((issues) => weight(issues) === least);
  // Forms that differ only in what is missing: nothing says which one was meant.
  if (best.length > 1 && best.every((issues) => issues.every((i) => i.code === 'invalid_type' && i.path.length === 1)))
    return [{ path: place, message: `needs ${listed([...new Set(best.flat().map((i) => String(i.path[0])))])}` }];
  const meant = best[0] ?? [];
  const foreign = new Set(strangeKeys(meant));
  const own = [...new Set(right.flatMap(strangeKeys))].filter((key) => !foreign.has(key));
  return meant.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys' || issue.path.length > 0) return errorsOf(issue, path, known);
    return issue.keys.map((key) => ({
      path: [...path, key].join('.'),
      message: right.some((issues) => issues !== meant && !strangeKeys(issues).includes(key))
        ? `does not go together with ${listed(own, 'and')}; keep one of them`
        : unknownKey(key, path, known),
    }));
  });
}

function isOtherType(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function strangeKeys(issues: readonly Issue[]): string[] {
  return issues.flatMap((issue) => (issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : []));
}

function weight(issues: readonly Issue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
}

function unknownKey(key: string, block: readonly string[], known: readonly string[]): string {
  const meant = meantKey(key, block, known);
  return `is not a known key${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

function listed(words: readonly string[], last = 'or'): string {
  return words.length < 2 ? (words[0] ?? 'another value') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}
