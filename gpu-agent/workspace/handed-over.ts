import { lstatSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { JobSpec } from '@nightshift/protocol';
import { findBelow } from './safe-path.js';
import { isSealed } from './sealed-files.js';
import { walkFiles } from './walk-files.js';

type Edit = NonNullable<JobSpec['edit']>;

/** Formats of weights, arrays and tables. What is in no format of these two lists stays behind: nobody can list what is code. */
const DATA = formats(
  'pt ckpt safetensors bin dat npz npy onnx gguf ggml h5 hdf5 keras tflite mlmodel pkl pickle joblib msgpack model vocab bst ubj cbm zst gz csv tsv jsonl parquet arrow feather png',
);
/** Text that tools also take for their configuration where they are started: package.json, deno.json, requirements.txt. */
const TEXT = formats('json txt yaml yml');

/** Code of the evaluator is read up to this size, and so many files of it. */
const CODE_BYTES = 262_144;
const CODE_FILES = 2000;
const CODE = /\.(?:py|[cm]?[jt]sx?|sh|rb|lua|jl|r|pl|go|rs|c|cc|cpp|h)$/i;

/**
 * Which new files of training the evaluator is given where the spec lists no artifacts. A file of data that the evaluator's code
 * names by its whole path; else what cannot take the place of anything of the source: in a folder of its own, or beside no file of its format.
 * @param folder the evaluator's folder before anything is handed over.
 */
export function mayHandOver(folder: string, edit: Edit, evaluate: string): (path: string) => boolean {
  const there = walkFiles(folder);
  const formatsOnTop = new Set(there.filter((path) => !path.includes('/')).map(formatOf));
  let code: string | undefined;
  const isNamed = (path: string) => names((code ??= codeOf(folder, there, edit, evaluate)), path);
  return (path) => {
    const format = formatOf(path);
    const folders = path.split('/').slice(0, -1);
    if (isSealed(path, edit.sealed) || !(DATA.has(format) || TEXT.has(format))) return false;
    // A dot makes a folder a tool's (.cache, x.dist-info), and these two hold packages.
    if (path.startsWith('.') || path.includes('/.')) return false;
    if (folders.some((name) => name.includes('.') || name === 'node_modules' || name === '__pycache__')) return false;
    if (isNamed(path)) return true;
    const [first] = folders;
    if (first !== undefined) return findBelow(folder, first) === 'missing';
    return DATA.has(format) && !formatsOnTop.has(format);
  };
}

/** The text of the code that evaluates and that no patch has a say in. */
function codeOf(folder: string, there: string[], edit: Edit, evaluate: string): string {
  const isCode = (path: string) => CODE.test(path) || names(evaluate, path);
  const paths = there.filter((path) => isCode(path) && !edit.files.includes(path));
  const texts = [evaluate];
  for (const path of paths.slice(0, CODE_FILES)) {
    const stat = lstatSync(join(folder, path));
    if (stat.isFile() && stat.size <= CODE_BYTES) texts.push(readFileSync(join(folder, path), 'utf8'));
  }
  return texts.join('\n');
}

/** `model.json` by "model.json" and "./model.json", not by "my-model.json" or "out/model.json". */
function names(code: string, path: string): boolean {
  const escaped = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w.-]|[\\w-]/)${escaped}(?![\\w-]|\\.\\w)`).test(code);
}

function formatOf(path: string): string {
  return extname(path).slice(1).toLowerCase();
}

function formats(list: string): ReadonlySet<string> {
  return new Set(list.split(' '));
}
