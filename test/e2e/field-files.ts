import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SwapIdea } from '../model-server/index.js';

// A project in the field's convention without torch: train.py trains, calls the fixed evaluate_bpb and prints the summary block.
const TRAIN = `"""The file to edit: a model of bytes that counts what follows what. Run: python3 train.py"""

import time

from prepare import TIME_BUDGET, evaluate_bpb, load

START = time.time()

ORDER = 0
SMOOTHING = 1.0
SHARE = 1.0

text = load("train")
text = text[: int(len(text) * SHARE)]
counts = {}
steps = 0
for i in range(ORDER, len(text)):
    row = counts.setdefault(text[i - ORDER : i], {})
    row[text[i]] = row.get(text[i], 0) + 1
    steps += 1
    if time.time() - START > TIME_BUDGET:
        break
training_seconds = time.time() - START


def probability(context, byte):
    row = counts.get(context[len(context) - ORDER :], {})
    return (row.get(byte, 0) + SMOOTHING) / (sum(row.values()) + 256 * SMOOTHING)


val_bpb = evaluate_bpb(probability)
print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {training_seconds:.1f}")
print(f"total_seconds:    {time.time() - START:.1f}")
print("peak_vram_mb:     0.0")
print(f"num_steps:        {steps}")
`;
const PREPARE = `"""Fixed: the text, the time budget, and the evaluation that train.py calls. Not to be edited."""

import math

TIME_BUDGET = 20  # seconds; some hundredths are used
WORDS = "the model reads a byte and says which byte comes next so that good guesses cost few bits".split()


def load(split):
    state, words = {"train": 1, "val": 2}[split], []
    for _ in range({"train": 3000, "val": 300}[split]):
        state = (state * 1103515245 + 12345) % 2**31
        words.append(WORDS[state // 65536 % len(WORDS)])
    return " ".join(words).encode()


def evaluate_bpb(probability):
    """Bits per byte on the held-out text; probability(context, byte) is the model."""
    text = load("val")
    bits = [-math.log2(probability(text[:i], text[i])) for i in range(8, len(text))]
    return sum(bits) / len(bits)
`;
const PROGRAM = '# Notes\n\nLower val_bpb is better. Only train.py may change; prepare.py is fixed.\n';

/** The three files of the convention, below a folder of the repository (\`\` or \`sub/dir/\`). */
export function writeFieldProject(repository: string, prefix = ''): void {
  for (const [name, text] of [
    ['train.py', TRAIN],
    ['prepare.py', PREPARE],
    ['program.md', PROGRAM],
  ] as const) {
    const path = join(repository, prefix, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** What the scripted model tries: kept, reverted, kept. */
export const IDEAS: SwapIdea[] = [
  {
    summary: 'Look at the byte before',
    reason: 'What follows a byte depends on it; one byte of context halves the uncertainty of a text.',
    swap: ['ORDER = 0', 'ORDER = 1'],
  },
  {
    summary: 'Train on a fiftieth of the text',
    reason: 'Less text trains faster, and the counts may be good enough already.',
    swap: ['SHARE = 1.0', 'SHARE = 0.02'],
  },
  {
    summary: 'Smooth a hundredth as much',
    reason: 'With 256 bytes a whole count each takes most of the mass from what was seen.',
    swap: ['SMOOTHING = 1.0', 'SMOOTHING = 0.01'],
  },
];

/** git as somebody who has a name, with nothing of this machine's configuration. */
export function gitIn(folder: string, ...args: string[]): string {
  return execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...args], {
    cwd: folder,
    encoding: 'utf8',
    stdio: 'pipe',
    env: { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' },
  }).trimEnd();
}
