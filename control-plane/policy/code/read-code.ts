import { parse as parseYaml, parseDocument } from 'yaml';
import { parseJavascript } from '../../patch/javascript/parse-javascript.js';
import { parsePython } from '../../patch/python/parse-python.js';
import type { Finding, Sealed } from './context.js';
import { findJavascript } from './find-javascript.js';
import { findPython } from './find-python.js';
import { literalFindings } from './literals.js';

/** A file as the rails see it: `meaning` is equal for two texts that differ in comments and layout only. */
export interface Code {
  meaning: string;
  findings: (sealed: Sealed) => Finding[];
}

/** Parses a file by the ending of its path; a text of no known language is taken as it is. */
export function readCode(path: string, content: string): { code: Code } | { problem: string; line: number } {
  if (/\.pyi?$/.test(path)) {
    const read = parsePython(content);
    if ('problem' in read) return read;
    const { module } = read;
    const meaning = JSON.stringify(
      module.tokens.map(({ kind, text }) => (kind === 'indent' || kind === 'dedent' ? kind : text)),
    );
    return { code: { meaning, findings: (sealed) => findPython(module, sealed) } };
  }
  if (/\.[cm]?[jt]sx?$/.test(path)) {
    const read = parseJavascript(path, content);
    if ('problem' in read) return read;
    const { module } = read;
    return {
      code: {
        meaning: JSON.stringify(meaningOf(module.tokens, content)),
        findings: (sealed) => findJavascript(module, path, sealed),
      },
    };
  }
  if (path.endsWith('.json')) return readData(content, JSON.parse);
  if (/\.ya?ml$/.test(path)) return readYaml(content);
  return { code: { meaning: content, findings: (sealed) => wordsOnly(content, sealed) } };
}

/** A line break can end a statement in JavaScript, so the first token of a line is marked. */
function meaningOf(tokens: readonly { text: string; from: number; to: number }[], content: string): string[] {
  return tokens.map(({ text, from }, index) =>
    /\n/.test(content.slice(tokens[index - 1]?.to ?? 0, from)) ? `\n${text}` : text,
  );
}

function readData(
  content: string,
  parse: (text: string) => unknown,
): { code: Code } | { problem: string; line: number } {
  try {
    const value = parse(content);
    return { code: { meaning: JSON.stringify(value) ?? '', findings: (sealed) => wordsOnly(content, sealed) } };
  } catch (error) {
    return { problem: error instanceof Error ? error.message.slice(0, 200) : 'cannot be parsed', line: 1 };
  }
}

function readYaml(content: string): { code: Code } | { problem: string; line: number } {
  const document = parseDocument(content, { prettyErrors: true, uniqueKeys: true });
  const error = document.errors[0];
  if (error)
    return { problem: (error.message.split('\n')[0] as string).slice(0, 200), line: error.linePos?.[0].line ?? 1 };
  return readData(content, (text) => parseYaml(text, { maxAliasCount: 100 }) as unknown);
}

/** Of data and prose only credentials matter: the evaluator decides what the rest is worth. */
function wordsOnly(content: string, sealed: Sealed): Finding[] {
  return content
    .split('\n')
    .flatMap((line, index) =>
      literalFindings(line.trim(), { ...sealed, metricName: '\0', sealedFiles: [] }, line, index + 1),
    )
    .filter((finding) => finding.rail === 'secrets');
}
