import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AppError, parseSpec, readSpecYaml, type FieldError, type Spec } from '@nightshift/protocol';
import { InputFileError } from './error-text.js';
import { atFile, readInput, readMenuText } from './input-file.js';

export const SPEC_FILE = 'nightshift.yaml';

export interface SpecFile {
  path: string;
  /** What a control plane takes: as in the file, with the menu inline and the source's path absolute. */
  input: Record<string, unknown>;
  /** The same, checked, with every default filled in. */
  spec: Spec;
}

/**
 * Reads a `nightshift.yaml`, or the one in a folder. `menu: path` and `source.path` are relative to it.
 * @param change alters the input before it is checked, for what the command line overrides.
 * @throws InputFileError with file, line, column, key and message of everything that is wrong.
 */
export function readSpecFile(
  asked: string,
  change: (input: Record<string, unknown>) => void = () => undefined,
): SpecFile {
  const path = existsSync(asked) && statSync(asked).isDirectory() ? join(asked, SPEC_FILE) : asked;
  if (!existsSync(path))
    throw new InputFileError(path, 'invalid_spec', `there is no ${path}`, { hint: 'make one with: nightshift init' });
  const folder = dirname(resolve(path));
  const document = atFile(path, () => readSpecYaml(readInput(path)));
  if (!isRecord(document.value))
    throw new InputFileError(path, 'invalid_spec', `${path} holds no keys`, {
      hint: 'see an example with: nightshift init',
    });
  const input: Record<string, unknown> = { ...document.value };
  const menuPath = typeof input.menu === 'string' ? resolve(folder, input.menu) : null;
  const menu = menuPath === null ? null : readMenuText(menuPath);
  if (menu) input.menu = menu.value;
  input.source = absoluteSource(input.source, folder);
  change(input);
  try {
    return { path, input, spec: parseSpec(input) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const errors = error.errors ?? [];
    const isMenus = (e: FieldError) => menuPath !== null && /^menu(\.|$)/.test(e.path);
    // One file at a time: a broken menu file makes the spec's own errors about it noise.
    if (menu && menuPath !== null && errors.some(isMenus))
      throw new InputFileError(menuPath, 'invalid_menu', `the menu of ${path} is not valid`, {
        errors: menu.locate(errors.filter(isMenus).map((e) => ({ ...e, path: e.path.replace(/^menu\.?/, '') }))),
      });
    throw new InputFileError(path, error.code, `${path} is not a valid spec`, { errors: document.locate(errors) });
  }
}

function absoluteSource(source: unknown, folder: string): unknown {
  if (source === undefined) return { path: folder };
  if (isRecord(source) && typeof source.path === 'string') return { ...source, path: resolve(folder, source.path) };
  return source;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
