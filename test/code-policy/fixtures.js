/** The two small projects that the suite's patches are for. Their text is here, so that the suite runs from anywhere. */
export const trainPy = `"""A small language model, trained for a fixed time."""
import math
import os
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from prepare import TIME_BUDGET, evaluate_loss, make_batches, vocabulary_size

SEED = int(os.environ["NIGHTSHIFT_SEED"])
torch.manual_seed(SEED)

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
WIDTH = 128
DEPTH = 4
DROPOUT = 0.1
BATCH = 32
LEARNING_RATE = 3e-4
WEIGHT_DECAY = 0.1


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.drop = nn.Dropout(DROPOUT)

    def forward(self, x):
        h = F.relu(self.up(self.norm(x)))
        return x + self.drop(self.down(h))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(vocabulary_size, WIDTH)
        self.blocks = nn.ModuleList([Block(WIDTH) for _ in range(DEPTH)])
        self.head = nn.Linear(WIDTH, vocabulary_size, bias=False)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def learning_rate(progress):
    return LEARNING_RATE * (1 - progress)


model = Model().to(DEVICE)
optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
started = time.perf_counter()
step = 0
while True:
    elapsed = time.perf_counter() - started
    if elapsed >= TIME_BUDGET:
        break
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(elapsed / TIME_BUDGET)
    x, y = make_batches("train", BATCH, DEVICE)
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    if step % 100 == 0:
        print(f"step {step} train {loss.item():.4f}", flush=True)

torch.save(model.state_dict(), "model.pt")
model.eval()
val_loss = evaluate_loss(model, DEVICE)
print(f"val_loss: {val_loss:.6f}")
`;
export const trainMjs = `import { readFileSync, writeFileSync } from 'node:fs';
import { evaluateBits, generator, loadText } from './prepare.mjs';

const seed = Number(process.env.NIGHTSHIFT_SEED);
const budgetMs = Number(process.env.NIGHTSHIFT_BUDGET_MS);
const random = generator(seed);
const options = JSON.parse(readFileSync('options.json', 'utf8'));
const text = loadText();
const ORDER = 3;
const RATE = 0.05;

/** Weights of one context, made on first sight. */
function row(table, key) {
  let weights = table.get(key);
  if (!weights) {
    weights = new Float64Array(256);
    table.set(key, weights);
  }
  return weights;
}

function softmax(weights) {
  let top = -Infinity;
  for (const weight of weights) if (weight > top) top = weight;
  const odds = weights.map((weight) => Math.exp(weight - top));
  const total = odds.reduce((sum, odd) => sum + odd, 0);
  return odds.map((odd) => odd / total);
}

const table = new Map();
const startedAt = performance.now();
let steps = 0;
while (performance.now() - startedAt < budgetMs) {
  const at = ORDER + Math.floor(random() * (text.length - ORDER));
  const key = text.subarray(at - ORDER, at).join(' ');
  const weights = row(table, key);
  const odds = softmax(weights);
  for (let symbol = 0; symbol < 256; symbol++) weights[symbol] -= RATE * (odds[symbol] - (symbol === text[at] ? 1 : 0));
  steps += 1;
}
writeFileSync('model.json', JSON.stringify([...table].map(([key, weights]) => [key, [...weights]])));
const bits_per_byte = evaluateBits(table, options.order ?? ORDER);
console.log(\`bits_per_byte: \${bits_per_byte.toFixed(5)}\`);
`;
export const optionsJson = `{
  "order": 3,
  "smoothing": 0.1
}
`;
export const scheduleYaml = `warmup: 0.1
stages:
  - { until: 0.5, rate: 1.0 }
  - { until: 1.0, rate: 0.1 }
`;
//# sourceMappingURL=fixtures.js.map
