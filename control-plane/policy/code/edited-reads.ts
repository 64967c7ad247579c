import { posix } from 'node:path';
import type { SourceFile } from '@nightshift/protocol';
import { isNode, parseJavascript, walk, type Node } from '../../patch/javascript/parse-javascript.js';
import { parsePython } from '../../patch/python/parse-python.js';

/** What a file takes in: modules by name or path, and texts that may be paths. */
interface Mentions {
  imports: { module: string; names: string[] }[];
  texts: string[];
  /** It imports what a text names. */
  isDynamic: boolean;
}

const PYTHON = /\.pyi?$/;
const JAVASCRIPT = /\.[cm]?[jt]sx?$/;
const DYNAMIC = /\b(?:import_module|__import__|run_module|run_path|spec_from_file_location)\b/;

/**
 * The edited files that an evaluator runs or reads: by name in its command, by import or by path in a file that it takes in. What this
 * cannot see (a name put together at run time, a package that was installed from the source) is not in it.
 * @param input.files code of the source, the edited files among them; of what is missing nothing is known.
 * @param input.sealed where to begin when the command names no file.
 */
export function editedReads(input: {
  evaluate: string;
  files: readonly SourceFile[];
  edited: readonly string[];
  sealed: readonly string[];
}): string[] {
  const { files, edited } = input;
  const contents = new Map(files.map(({ path, content }) => [path, content]));
  const paths = new Set([...contents.keys(), ...edited]);
  const named = namedBy(input.evaluate, paths);
  const isSealed = (path: string) => input.sealed.some((sealed) => path === sealed || path.startsWith(`${sealed}/`));
  const queue = named.length > 0 ? named : [...contents.keys()].filter(isSealed);
  const seen = new Set(queue);
  for (let at = 0; at < queue.length; at++) {
    const path = queue[at] as string;
    // What an edited file takes in is edited code's doing: it is named already.
    if (edited.includes(path)) continue;
    for (const next of takenIn(path, contents.get(path) ?? '', paths, edited))
      if (!seen.has(next)) {
        seen.add(next);
        queue.push(next);
      }
  }
  return edited.filter((path) => seen.has(path));
}

function namedBy(command: string, paths: ReadonlySet<string>): string[] {
  const words = command.split(/[\s"'=;|&()<>]+/);
  return words.flatMap((word, at) => {
    const path = word.replace(/^(?:\.\/)+/, '');
    if (paths.has(path)) return [path];
    return words[at - 1] === '-m' ? modulePaths(word, '').filter((candidate) => paths.has(candidate)) : [];
  });
}

function takenIn(path: string, content: string, paths: ReadonlySet<string>, edited: readonly string[]): string[] {
  const mentions = PYTHON.test(path) ? inPython(content) : JAVASCRIPT.test(path) ? inJavascript(path, content) : null;
  if (!mentions) return [];
  const found = mentions.imports.flatMap(({ module, names }) =>
    PYTHON.test(path) ? pythonPaths(module, names, path) : javascriptPaths(module, path),
  );
  for (const text of mentions.texts) {
    const name = text.replace(/^(?:\.\/)+/, '');
    found.push(...edited.filter((file) => name === file || (file.includes('/') && name.endsWith(`/${file}`))));
    if (mentions.isDynamic) found.push(...pythonPaths(text, [], path), ...javascriptPaths(text, path));
  }
  return found.filter((candidate) => paths.has(candidate));
}

function inPython(content: string): Mentions | null {
  const read = parsePython(content);
  if ('problem' in read) return null;
  const mentions: Mentions = { imports: [], texts: [], isDynamic: DYNAMIC.test(content) };
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const node = value as { type?: string; names?: { name: string }[] | null; module?: string; pieces?: object[] };
    if (node.type === 'Import')
      for (const { name } of node.names ?? []) mentions.imports.push({ module: name, names: [] });
    if (node.type === 'From')
      mentions.imports.push({ module: node.module ?? '', names: (node.names ?? []).map(({ name }) => name) });
    if (node.type === 'String')
      for (const piece of node.pieces ?? []) if ('text' in piece) mentions.texts.push(String(piece.text));
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(read.module.statements);
  return mentions;
}

function inJavascript(path: string, content: string): Mentions | null {
  const read = parseJavascript(path, content);
  if ('problem' in read) return null;
  const mentions: Mentions = { imports: [], texts: [], isDynamic: false };
  walk(read.module.program, (node: Node) => {
    const source = node['source'];
    if (isNode(source) && typeof source['value'] === 'string')
      mentions.imports.push({ module: source['value'], names: [] });
    const callee = node['callee'];
    const [argument] = (node['arguments'] as unknown[] | undefined) ?? [];
    if (isNode(callee) && callee['name'] === 'require' && isNode(argument) && typeof argument['value'] === 'string')
      mentions.imports.push({ module: argument['value'], names: [] });
    if (node.type === 'Literal' && typeof node['value'] === 'string') mentions.texts.push(node['value']);
    if (node.type === 'TemplateElement') mentions.texts.push(String((node['value'] as { cooked?: string }).cooked));
  });
  return mentions;
}

/** A module may be looked for from the top of the project, beside the file, or (with dots) from its package. */
function pythonPaths(module: string, names: readonly string[], from: string): string[] {
  const [, dots = '', rest = ''] = /^(\.*)(.*)$/s.exec(module) ?? [];
  const beside = posix.dirname(from);
  const bases = dots === '' ? ['.', beside] : [posix.join(beside, ...Array<string>(dots.length - 1).fill('..'))];
  return bases.flatMap((base) =>
    [rest, ...names.map((name) => (rest === '' ? name : `${rest}.${name}`))].flatMap((dotted) =>
      dotted === '' ? [] : modulePaths(dotted, base),
    ),
  );
}

function modulePaths(dotted: string, base: string): string[] {
  // Importing a.b.c runs a and a.b as well.
  const parts = dotted.split('.');
  return parts.flatMap((_part, at) => {
    const path = posix.join(base, ...parts.slice(0, at + 1));
    return [`${path}.py`, `${path}/__init__.py`, ...(at === parts.length - 1 ? [`${path}/__main__.py`] : [])];
  });
}

function javascriptPaths(module: string, from: string): string[] {
  if (!module.startsWith('.')) return [];
  const path = posix.join(posix.dirname(from), module);
  const stem = path.replace(/\.[cm]?js$/, '');
  return [
    path,
    ...['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'].flatMap((end) => [`${path}${end}`, `${stem}${end}`]),
    `${path}/index.js`,
    `${path}/index.ts`,
  ];
}
