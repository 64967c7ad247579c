import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorText, type InputFileError } from './error-text.js';
import { limitIterations } from './limit-iterations.js';
import { readSpecFile } from './spec-file.js';
import { specTemplate } from './spec-template.js';

const MENU = '{"knobs": {"lr": {"type": "float", "range": [0.1, 1], "default": 0.5}},\n "cross_constraints": []}';
const SPEC = `name: toy
metric: { name: loss, goal: minimize }
job:
  train: node train.mjs
menu: menus/menu.json
`;

describe('readSpecFile', () => {
  let folder: string;
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const failure = (path: string): InputFileError => {
    try {
      readSpecFile(path);
    } catch (error) {
      return error as InputFileError;
    }
    throw new Error('the spec was taken');
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nightshift-spec-'));
    mkdirSync(join(folder, 'menus'));
    write('menus/menu.json', MENU);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('reads the menu file beside it and makes the source absolute', () => {
    const { input, spec } = readSpecFile(write('nightshift.yaml', SPEC));
    expect(input.menu).toEqual(JSON.parse(MENU));
    expect(spec.source).toEqual({ kind: 'path', path: folder });
    expect(readSpecFile(folder).spec.name).toBe('toy');
  });

  it('takes the template that init writes', () => {
    const { spec } = readSpecFile(write('nightshift.yaml', specTemplate('my-project')));
    expect(spec.name).toBe('my-project');
    expect(Object.keys(spec.menu?.knobs ?? {})).toEqual(['lr', 'batch_size', 'dropout', 'optimizer']);
  });

  it('names file, line, column, key and fix of a wrong key', () => {
    const path = write('nightshift.yaml', `${SPEC}decision:\n  minImprovment: 0.1\n`);
    const text = errorText(failure(path));
    expect(text).toContain(`${path}:7:3 decision.minImprovment: `);
    expect(text).toContain('did you mean "minImprovement"?');
  });

  it('names the place in the menu file when the menu is wrong', () => {
    const path = write('menus/menu.json', MENU.replace('0.5', '7'));
    const error = failure(write('nightshift.yaml', SPEC));
    expect(error).toMatchObject({ code: 'invalid_menu', file: path });
    expect(errorText(error)).toMatch(/menu\.json:1:\d+ knobs\.lr\.default: 7 is outside \[0\.1, 1\]/);
  });

  it('says what is wrong with YAML that is none, and with files that are not there', () => {
    expect(errorText(failure(write('nightshift.yaml', 'name: [toy\n')))).toMatch(
      /nightshift\.yaml: not valid YAML: line \d+, column \d+/,
    );
    expect(failure(join(folder, 'none.yaml')).message).toContain('there is no');
    expect(failure(write('nightshift.yaml', SPEC.replace('menu.json', 'gone.json'))).message).toContain('gone.json');
    expect(failure(write('nightshift.yaml', '')).message).toContain('holds no keys');
  });

  it('lets the command line set the number of iterations', () => {
    const path = write('nightshift.yaml', `${SPEC}stop: { plateau: 5 }\n`);
    expect(readSpecFile(path, (input) => limitIterations(input, 3)).spec.stop).toMatchObject({
      iterations: 3,
      plateau: 5,
    });
  });
});
