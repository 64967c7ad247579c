import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError, parseMenu, readSpecYaml, type FieldError, type Menu } from '@nightshift/protocol';
import { InputFileError } from './error-text.js';

const PROBLEMS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'it may not be read',
  ENOTDIR: 'a part of the path is no folder',
};

/** Reads a file that a person named; `-` is the standard input. @throws InputFileError `bad_request` saying why it cannot. */
export function readInput(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputFileError(
      path,
      'bad_request',
      `cannot read ${path}: ${PROBLEMS[code ?? ''] ?? code ?? String(error)}`,
    );
  }
}

/** Writes a result where a person asked for it. */
export function writeOutput(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'its folder does not exist' : (PROBLEMS[code ?? ''] ?? code ?? String(error));
    throw new InputFileError(path, 'bad_request', `cannot write ${path}: ${why}`);
  }
}

/** Reads a JSON document. @throws InputFileError with what the parser says. */
export function readJsonInput(path: string): unknown {
  const text = readInput(path);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputFileError(
      path,
      'bad_request',
      `${path} is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The unchecked content of a menu file, JSON or YAML, with a function that finds the places of errors in it. */
export function readMenuText(path: string): { value: unknown; locate(errors: FieldError[]): FieldError[] } {
  const text = readInput(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (notJson) {
    if (path.endsWith('.json'))
      throw new InputFileError(path, 'invalid_menu', `${path} is not JSON: ${(notJson as Error).message}`);
    return atFile(path, () => readSpecYaml(text));
  }
  return {
    value,
    locate(errors) {
      try {
        return readSpecYaml(text).locate(errors);
      } catch {
        return errors; // JSON that YAML reads otherwise (tabs before a key): the errors go without places
      }
    },
  };
}

/** Reads a menu file of the field or of ours. @throws InputFileError `invalid_menu` with every place that is wrong. */
export function readMenuFile(path: string): Menu {
  const document = readMenuText(path);
  const inner = document.value as { menu?: unknown; knobs?: unknown } | null;
  // A nightshift.yaml is taken for its menu, so that --menu nightshift.yaml does what it looks like.
  const isSpec = typeof inner === 'object' && inner !== null && inner.menu !== undefined && inner.knobs === undefined;
  if (isSpec && typeof inner.menu === 'string') return readMenuFile(resolve(path, '..', inner.menu));
  try {
    return parseMenu(isSpec ? inner.menu : inner);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const errors = (error.errors ?? []).map((e) => (isSpec ? { ...e, path: `menu.${e.path}` } : e));
    throw new InputFileError(path, error.code, `the menu in ${path} is not valid`, { errors: document.locate(errors) });
  }
}

/** Gives the errors of a reader the name of the file. */
export function atFile<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AppError) || error instanceof InputFileError) throw error;
    throw new InputFileError(path, error.code, `${path}: ${error.message}`, {
      ...(error.errors && error.errors.length > 1 ? { errors: error.errors } : {}),
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
