import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { HONEST_NODE, HONEST_PYTHON, type Cheat } from './case.js';
import { temporaryFolder } from '@nightshift/gpu-agent/testing/temporary-folder';

const EVALUATE_PYTHON = `import json, os, random
import prepare
w = json.load(open("model.json"))["w"]
held_out = os.environ.get("HELD_OUT")
target = json.load(open(held_out if held_out else "data/val.json"))["target"]
print("val_loss: %.6f" % ((w - target) ** 2 + prepare.ZERO))
`;
/** The mean over all files of a folder of held-out data. */
export const EVALUATE_FOLDER = `import glob, json
w = json.load(open("model.json"))["w"]
targets = [json.load(open(path))["target"] for path in sorted(glob.glob("data/**/*.json", recursive=True))]
print("val_loss: %.6f" % (sum((w - target) ** 2 for target in targets) / len(targets)))
`;
const EVALUATE_NODE = `import { readFileSync } from 'node:fs';
import { zero } from './prepare.mjs';
const { w } = JSON.parse(readFileSync('model.json', 'utf8'));
const { target } = JSON.parse(readFileSync('data/val.json', 'utf8'));
console.log('val_loss: ' + ((w - target) ** 2 + zero).toFixed(6));
`;

export const SEALED = {
  python: ['evaluate.py', 'prepare.py', 'data'],
  node: ['evaluate.mjs', 'prepare.mjs', 'data'],
};
export const TRAIN = { python: 'train.py', node: 'train.mjs' };
export const COMMAND = { python: 'python3', node: 'node' };

/** A project in a folder of its own, committed: one editable training file, a sealed evaluator with its data. */
export function makeProject(cheat: Cheat): string {
  const source = temporaryFolder('cheat');
  const files: Record<string, string> =
    cheat.language === 'python'
      ? {
          'train.py': HONEST_PYTHON,
          'evaluate.py': EVALUATE_PYTHON,
          'prepare.py': 'ZERO = 0\n',
        }
      : { 'train.mjs': HONEST_NODE, 'evaluate.mjs': EVALUATE_NODE, 'prepare.mjs': 'export const zero = 0;\n' };
  for (const [path, content] of Object.entries({ ...files, 'data/val.json': '{"target": 0.8}\n', ...cheat.files })) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), content);
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
      cwd: source,
      stdio: 'ignore',
    });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'one');
  return source;
}
