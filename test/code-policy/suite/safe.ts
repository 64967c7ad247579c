import { trainMjs, trainPy } from '../fixtures.js';
import { node, pass, python, swap, top, topJs } from './case.js';

const adamw = 'optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)';
const schedule = '    return LEARNING_RATE * (1 - progress)';

/** Edits as researchers make them, in every form that an answer may have. */
export const safeCases = [
  pass('wider', swap('train.py', 'WIDTH = 128', 'WIDTH = 256')),
  pass(
    'another-optimizer',
    swap('train.py', adamw, 'optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)'),
  ),
  pass('betas', swap('train.py', adamw, adamw.replace('weight_decay', 'betas=(0.9, 0.95), weight_decay'))),
  pass(
    'warmup',
    swap(
      'train.py',
      schedule,
      '    if progress < 0.05:\n        return LEARNING_RATE * progress / 0.05\n    return LEARNING_RATE * (1 - progress)',
    ),
  ),
  pass('cosine', swap('train.py', schedule, '    return LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * progress))')),
  pass(
    'warmup-in-seconds-of-the-budget',
    swap(
      'train.py',
      '        group["lr"] = learning_rate(elapsed / TIME_BUDGET)',
      '        group["lr"] = learning_rate(min(1.0, elapsed / TIME_BUDGET)) * min(1.0, step / 100)',
    ),
  ),
  pass(
    'gelu',
    swap('train.py', 'F.relu(self.up', 'F.gelu(self.up')
      .replace('        h = ', '        h = ')
      .replace('F.relu(self.up\n', '        h = F.relu(self.up(self.norm(x)))\n')
      .replace('F.gelu(self.up\n', '        h = F.gelu(self.up(self.norm(x)))\n'),
  ),
  pass(
    'squared-relu',
    swap('train.py', '        h = F.relu(self.up(self.norm(x)))', '        h = F.relu(self.up(self.norm(x))).square()'),
  ),
  pass('no-dropout', swap('train.py', '        return x + self.drop(self.down(h))', '        return x + self.down(h)')),
  pass(
    'no-dropout-module',
    `${swap('train.py', '        self.drop = nn.Dropout(DROPOUT)\n', '')}\n${swap('train.py', '        return x + self.drop(self.down(h))', '        return x + self.down(h)')}`,
  ),
  pass(
    'rms-norm',
    swap('train.py', '        self.norm = nn.LayerNorm(width)', '        self.norm = nn.RMSNorm(width)'),
  ),
  pass(
    'gated',
    `${swap('train.py', '        self.down = nn.Linear(4 * width, width)', '        self.gate = nn.Linear(width, 4 * width)\n        self.down = nn.Linear(4 * width, width)')}${swap('train.py', '        h = F.relu(self.up(self.norm(x)))', '        n = self.norm(x)\n        h = F.silu(self.gate(n)) * self.up(n)')}`,
  ),
  pass(
    'clipping',
    swap(
      'train.py',
      '    optimizer.step()',
      '    nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n    optimizer.step()',
    ),
  ),
  pass('compiled', top('model = torch.compile(model)')),
  pass('tf32', top('torch.backends.cuda.matmul.allow_tf32 = True\ntorch.set_float32_matmul_precision("high")')),
  pass('cudnn-benchmark', top('torch.backends.cudnn.benchmark = True')),
  pass('an-allocator-setting', top('os.environ["PYTORCH_CUDA_ALLOC_CONF"] = "expandable_segments:True"')),
  pass(
    'autocast',
    swap(
      'train.py',
      '    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())',
      '    with torch.autocast(DEVICE, dtype=torch.bfloat16):\n        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())',
    ),
  ),
  pass(
    'label-smoothing',
    swap(
      'train.py',
      '    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())',
      '    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), label_smoothing=0.05)',
    ),
  ),
  pass(
    'tied-weights',
    swap(
      'train.py',
      '        self.head = nn.Linear(WIDTH, vocabulary_size, bias=False)',
      '        self.head = nn.Linear(WIDTH, vocabulary_size, bias=False)\n        self.head.weight = self.embed.weight',
    ),
  ),
  pass(
    'initialisation',
    top(
      'for name, parameter in model.named_parameters():\n    if parameter.dim() > 1:\n        nn.init.normal_(parameter, std=0.02)',
    ),
  ),
  pass('an-average-of-weights', top('average = {name: value.clone() for name, value in model.state_dict().items()}')),
  pass(
    'two-groups',
    swap(
      'train.py',
      adamw,
      'decay = [p for p in model.parameters() if p.dim() >= 2]\nrest = [p for p in model.parameters() if p.dim() < 2]\noptimizer = torch.optim.AdamW([{"params": decay}, {"params": rest, "weight_decay": 0.0}], lr=LEARNING_RATE)',
    ),
  ),
  pass(
    'accumulation',
    swap(
      'train.py',
      '    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()',
      '    (loss / 2).backward()\n    if step % 2 == 1:\n        optimizer.step()\n        optimizer.zero_grad()',
    ),
  ),
  pass(
    'a-new-pure-module',
    top('from dataclasses import dataclass\n\n\n@dataclass\nclass Settings:\n    width: int = WIDTH'),
  ),
  pass(
    'a-part-of-torch',
    top(
      'from torch.optim.lr_scheduler import OneCycleLR\nscheduler = OneCycleLR(torch.optim.SGD(model.parameters(), lr=0.1), 0.1, total_steps=10)',
    ),
  ),
  pass('a-compiled-pattern', top('import re\nNAMES = re.compile(r"weight$")')),
  pass('a-file-of-its-own', top('with open("notes.txt", "w") as notes:\n    notes.write("wide")')),
  pass('weights-of-its-own', top('torch.save(model.state_dict(), "best.pt")')),
  pass('weights-in-a-folder-of-its-own', top('torch.save(model.state_dict(), os.path.join("best", "model.pt"))')),
  pass('a-path-of-its-own', top('from pathlib import Path\n(Path("best") / "done").touch()')),
  pass('a-text-that-is-replaced', top('name = DEVICE.replace("cuda", "gpu").replace("mps", "gpu")')),
  pass('a-log-to-the-terminal', top('import logging\nlogging.basicConfig(level=logging.INFO)')),
  pass(
    'other-weights-in-the-same-file',
    swap(
      'train.py',
      'torch.save(model.state_dict(), "model.pt")',
      'torch.save({k: v.half() for k, v in model.state_dict().items()}, "model.pt")',
    ),
  ),
  pass('a-variable-of-the-environment', top('cores = int(os.environ.get("OMP_NUM_THREADS", "4"))')),
  pass('whether-a-variable-is-there', top('is_slurm = "SLURM_JOB_ID" in os.environ')),
  pass('fields-of-a-value', top('print(vars(model))')),
  pass('an-annotation', top('from typing import Optional\nscale: "Optional[float]" = None')),
  pass('js-a-variable-of-the-environment', topJs('const threads = Number(process.env.OMP_NUM_THREADS ?? 4);'), node),
  pass('js-a-variable-in-a-pattern', topJs('const { OMP_NUM_THREADS: threads } = process.env;'), node),
  pass(
    'a-docstring-that-names-things',
    swap(
      'train.py',
      'def learning_rate(progress):',
      'def learning_rate(progress):\n    """Linear, as prepare.py expects: val_loss falls to the end."""',
    )
      .replace('REASON: It may train faster.', 'REASON: say why')
      .replace('(1 - progress)', '(1 - progress)') + swap('train.py', 'DEPTH = 4', 'DEPTH = 5'),
  ),
  pass(
    'another-log-line',
    swap(
      'train.py',
      '        print(f"step {step} train {loss.item():.4f}", flush=True)',
      '        print(f"step {step} train {loss.item():.4f} after {elapsed:.1f}s", flush=True)',
    ),
  ),
  pass('a-safe-getattr', top('size = getattr(model, "size", 0)')),
  pass('a-lambda-and-a-walrus', top('warm = lambda p: (q := p * 2) + q')),
  pass('a-match', top('match DEVICE:\n    case "cuda" | "mps":\n        BATCH = 64\n    case _:\n        BATCH = 16')),
  pass(
    'a-diff',
    '--- a/train.py\n+++ b/train.py\n@@ -15,3 +15,3 @@\n DEVICE = "cuda" if torch.cuda.is_available() else "cpu"\n-WIDTH = 128\n+WIDTH = 192\n DEPTH = 4\n',
  ),
  pass(
    'a-diff-of-git',
    `REASON: deeper\n\n\`\`\`diff\ndiff --git a/train.py b/train.py\nindex 1234567..89abcde 100644\n--- a/train.py\n+++ b/train.py\n@@ -16,3 +16,3 @@ DEVICE\n WIDTH = 128\n-DEPTH = 4\n+DEPTH = 6\n DROPOUT = 0.1\n\`\`\`\n`,
  ),
  pass(
    'a-diff-with-wrong-counts',
    'REASON: deeper\n--- train.py\n+++ train.py\n@@ -1,9 +1,12 @@\n WIDTH = 128\n-DEPTH = 4\n+DEPTH = 6\n',
  ),
  pass(
    'a-whole-file',
    `REASON: deeper\n\ntrain.py\n\`\`\`python\n${trainPy.replace('DEPTH = 4', 'DEPTH = 6')}\`\`\`\n`,
  ),
  pass('a-whole-file-in-JSON', {
    reason: 'deeper',
    files: [{ path: 'train.py', content: trainPy.replace('DEPTH = 4', 'DEPTH = 6') }],
  }),
  pass('a-block-without-a-path', '<<<<<<< SEARCH\nDEPTH = 4\n=======\nDEPTH = 6\n>>>>>>> REPLACE\n'),
  pass('an-allowed-module', top('import scipy.optimize'), { ...python, allow: ['scipy'] }),
  pass('an-allowed-primitive', top('os.nice(5)'), { ...python, allow: ['os.nice'] }),
  pass('js-momentum', swap('train.mjs', 'const RATE = 0.05;', 'const RATE = 0.1;\nconst MOMENTUM = 0.9;'), node),
  pass(
    'js-a-schedule',
    `${swap('train.mjs', '  const odds = softmax(weights);', '  const odds = softmax(weights);\n  const rate = RATE / (1 + steps / 10_000);')}${swap('train.mjs', 'weights[symbol] -= RATE * ', 'weights[symbol] -= rate * ').replace('weights[symbol] -= RATE * \n', '  for (let symbol = 0; symbol < 256; symbol++) weights[symbol] -= RATE * (odds[symbol] - (symbol === text[at] ? 1 : 0));\n').replace('weights[symbol] -= rate * \n', '  for (let symbol = 0; symbol < 256; symbol++) weights[symbol] -= rate * (odds[symbol] - (symbol === text[at] ? 1 : 0));\n')}`,
    node,
  ),
  pass('js-a-log-line', topJs("console.log('contexts', table.size, process.memoryUsage().heapUsed);"), node),
  pass('js-a-pure-module', topJs("import { performance as clock } from 'node:perf_hooks';"), node),
  pass('js-a-file-of-its-own', topJs("writeFileSync('notes.txt', 'order 3');"), node),
  pass(
    'js-a-new-file',
    `optimizer.mjs\n\`\`\`js\n/** A step against the gradient. */\nexport function step(weights, gradient, rate) {\n  for (let at = 0; at < weights.length; at++) weights[at] -= rate * gradient[at];\n}\n\`\`\`\n`,
    node,
  ),
  pass(
    'js-a-new-file-that-is-used',
    JSON.stringify({
      reason: 'split',
      files: [
        { path: 'optimizer.mjs', content: 'export const rate = 0.1;\n' },
        {
          path: 'train.mjs',
          content: trainMjs
            .replace('const ORDER = 3;', 'const ORDER = 4;')
            .replace('import { readFileSync', "import { rate } from './optimizer.mjs';\nimport { readFileSync")
            .replace('const RATE = 0.05;', 'const RATE = rate;'),
        },
      ],
    }),
    node,
  ),
  pass(
    'ts-a-new-file',
    'loss.ts\n```ts\nexport interface Loss { value: number }\nexport const half = <T extends Loss>(loss: T): number => (loss.value as number) / 2;\n```\n',
    node,
  ),
  pass('json-a-value', swap('options.json', '  "smoothing": 0.1', '  "smoothing": 0.05'), node),
  pass('yaml-a-value', swap('schedule.yaml', 'warmup: 0.1', 'warmup: 0.05'), node),
];
