import { parseMetricNumber, type Config, type KnobValue } from '@nightshift/protocol';

/** A line of a trajectory file with its number, from 1. */
export interface SourceLine {
  number: number;
  text: string;
  /** True for the last line of a file that does not end in a line break: it may be torn. */
  isTail: boolean;
}
export type JsonObject = Record<string, unknown>;

const MAX_LISTED = 100;

/** Problems found while reading: those of a line in the order of their lines, then those of the file. Bounded; the rest is counted. */
export class ReadWarnings {
  readonly #lines: { line: number; message: string }[] = [];
  readonly #notes: string[] = [];

  add(line: number, message: string): void {
    this.#lines.push({ line, message });
  }
  note(message: string): void {
    this.#notes.push(message);
  }
  finish(): string[] {
    const listed = this.#lines.sort((a, b) => a.line - b.line).slice(0, MAX_LISTED);
    const rest = this.#lines.length - listed.length;
    return [
      ...listed.map(({ line, message }) => `line ${line}: ${message}`),
      ...(rest > 0 ? [`${rest} more lines with problems are not listed`] : []),
      ...this.#notes,
    ];
  }
}

/** The lines that are not blank. A byte order mark (joined files have several), CR before LF and the NULs that a host's sudden death leaves are taken off. */
export function sourceLines(text: string): SourceLine[] {
  const raw = text.split('\n');
  const hasTail = raw[raw.length - 1] !== '';
  return raw
    .map((line, index) => ({
      number: index + 1,
      text: line
        .replaceAll('\0', '')
        .replace(/^\uFEFF/, '')
        .replace(/\r$/, ''),
      isTail: hasTail && index === raw.length - 1,
    }))
    .filter((line) => line.text.trim() !== '');
}

/** A JSON object, or null. NaN and Infinity as Python writes them are read as the texts "NaN" and "Infinity". */
export function parseJsonLine(text: string): JsonObject | null {
  if (!text.trimStart().startsWith('{')) return null;
  for (const candidate of [text, quoteNonFinite(text)]) {
    try {
      const parsed: unknown = JSON.parse(candidate);
      return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as JsonObject) : null;
    } catch {
      continue;
    }
  }
  return null;
}

function quoteNonFinite(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
    token.startsWith('"') ? token : JSON.stringify(token),
  );
}

/** What became of a line that is no JSON object, in words. */
export function unreadableLine(line: SourceLine): string {
  return line.isTail ? 'the torn last line is skipped' : 'not a JSON object, skipped';
}

/** A number, NaN and Infinity included when they are spelled out; null for anything else. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return null;
  return parseMetricNumber(value.trim()) ?? null;
}

/** A finite number or null. */
export function finiteOf(value: unknown): number | null {
  const number = numberOf(value);
  return number !== null && Number.isFinite(number) ? number : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function objectOf(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

export function knobValueOf(value: unknown): KnobValue | null {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : null;
}

/** The scalar entries of an object as a configuration; null when it has none. */
export function configOf(value: unknown): Config | null {
  const object = objectOf(value);
  if (object === null) return null;
  const entries = Object.entries(object).filter(
    (entry): entry is [string, KnobValue] => knobValueOf(entry[1]) !== null,
  );
  return Object.fromEntries(entries);
}
