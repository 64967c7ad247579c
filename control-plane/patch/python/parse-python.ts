import { StatementReader } from './statements.js';
import { PythonError } from './python-error.js';
import { tokenize, type Token } from './tokens.js';
import type { Statement } from './tree.js';

export interface PythonModule {
  statements: Statement[];
  tokens: Token[];
}

const DECLARED_ENCODING = /^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)/;

/**
 * Parses Python 3 (the grammar of 3.8 to 3.14). Written for this house because the parsers that can be had from npm either take what Python
 * refuses or refuse what it takes; the box's own interpreter has the last word in a check job.
 */
export function parsePython(source: string): { module: PythonModule } | { problem: string; line: number } {
  const [first = '', second = ''] = source.split('\n', 2);
  for (const [index, text] of [first, second].entries()) {
    // Another encoding lets the interpreter read other text than we do.
    const encoding = DECLARED_ENCODING.exec(text)?.[1];
    if (encoding !== undefined && !/^utf-?8$/i.test(encoding))
      return { problem: `declares the encoding ${encoding.slice(0, 24)}`, line: index + 1 };
    if (!/^[ \t\f]*(?:#.*)?\r?$/.test(text)) break;
  }
  const odd = /\r(?!\n)|\0/.exec(source);
  if (odd) return { problem: 'holds a carriage return without a line feed, or a NUL', line: lineAt(source, odd.index) };
  try {
    const tokens = tokenize(source, source.startsWith('\ufeff') ? 1 : 0);
    return { module: { statements: new StatementReader(source, tokens).module(), tokens } };
  } catch (error) {
    if (error instanceof PythonError) return { problem: error.message, line: lineAt(source, error.at) };
    throw error;
  }
}

function lineAt(source: string, at: number): number {
  return source.slice(0, at).split('\n').length;
}
