import { parse as parseYaml, parseDocument } from 'yaml';
import { parseJavascript, type JavascriptModule } from '../../patch/javascript/parse-javascript.js';
import { parsePython, type PythonModule } from '../../patch/python/parse-python.js';
import type { Finding, Sealed } from './context.js';
import { findJavascript } from './find-javascript.js';
import { findPython } from './find-python.js';
import { heldFindings } from './held-findings.js';
import { heldOf, NOTHING_HELD, type Flow, type Held } from './held.js';
import { javascriptFlow } from './javascript-flow.js';
import { askedJavascript } from './javascript-sealed.js';
import { spelledJavascript } from './javascript-spelling.js';
import { literalFindings } from './literals.js';
import { pythonFlow } from './python-flow.js';
import { answersPython } from './python-answers.js';
import { namesOf } from './python-names.js';
import { askedPython } from './python-sealed.js';
import { spelledPython } from './python-spelling.js';

/** A file as the rails see it: `meaning` is equal for two texts that differ in comments and layout only. */
export interface Code {
  meaning: string;
  /** `held`: names that only the base's statements may bind, as `held` of the base's file says. */
  findings: (sealed: Sealed, held: Held) => Finding[];
  held: (sealed: Sealed) => Held;
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
    return { code: { meaning, ...held(allPython, pythonFlow, module) } };
  }
  if (/\.[cm]?[jt]sx?$/.test(path)) {
    const read = parseJavascript(path, content);
    if ('problem' in read) return read;
    const { module } = read;
    return {
      code: {
        meaning: JSON.stringify(meaningOf(module.tokens, content)),
        ...held(allJavascript(path), (read_, sealed) => javascriptFlow(read_, path, sealed), module),
      },
    };
  }
  if (path.endsWith('.json')) return readData(content, JSON.parse);
  if (/\.ya?ml$/.test(path)) return readYaml(content);
  return { code: { meaning: content, findings: (sealed) => wordsOnly(content, sealed), held: () => NOTHING_HELD } };
}

function allPython(module: PythonModule, sealed: Sealed): Finding[] {
  const { imported } = namesOf(module.statements);
  return [
    ...findPython(module, sealed),
    ...spelledPython(module, sealed),
    ...askedPython(module, sealed),
    ...answersPython(module, imported),
  ];
}

function allJavascript(path: string) {
  return (module: JavascriptModule, sealed: Sealed): Finding[] => [
    ...findJavascript(module, path, sealed),
    ...spelledJavascript(module, sealed),
    ...askedJavascript(module, path, sealed),
  ];
}

/** The flow is worked out once: the base's tells what is held, and what it binds of that. */
function held<Module>(
  find: (module: Module, sealed: Sealed) => Finding[],
  flow: (module: Module, sealed: Sealed) => Flow,
  module: Module,
): Pick<Code, 'findings' | 'held'> {
  let known: { sealed: Sealed; flow: Flow } | null = null;
  const flowFor = (sealed: Sealed) => {
    if (known?.sealed !== sealed) known = { sealed, flow: flow(module, sealed) };
    return known.flow;
  };
  return {
    findings: (sealed, names) => [...find(module, sealed), ...heldFindings(flowFor(sealed), names)],
    held: (sealed) => heldOf(flowFor(sealed)),
  };
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
    return {
      code: {
        meaning: JSON.stringify(value) ?? '',
        findings: (sealed) => wordsOnly(content, sealed),
        held: () => NOTHING_HELD,
      },
    };
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
