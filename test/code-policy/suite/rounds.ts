import { trainPy } from '../fixtures.js';
import { blocked, node, pass, python, swap, top } from './case.js';

const stepped = '    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()';
const indented = stepped.replace(/^/gm, '    ');
const instead = (code: string) => swap('train.py', stepped, code);
const save = 'torch.save(model.state_dict(), "model.pt")';
const after = (code: string) => swap('train.py', save, `${code}\n${save}`);
const more = (indent: string) =>
  [
    'x, y = make_batches("train", BATCH, DEVICE)',
    'F.cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()',
    'optimizer.step()',
  ]
    .map((line) => `${indent}${line}`)
    .join('\n');
// The training in a function, and a step in one.
const inFunction = {
  ...python,
  files: [
    {
      path: 'train.py',
      content: trainPy
        .replace(
          'started = time.perf_counter()\n',
          'def learn(x, y):\n    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())\n    optimizer.zero_grad()\n    loss.backward()\n    optimizer.step()\n    return loss\n\n\ndef train():\n    started = time.perf_counter()\n',
        )
        .replace(/step = 0\nwhile True:[\s\S]*?(?=\ntorch\.save)/, (loop) =>
          loop
            .replace(/^(?=.)/gm, '    ')
            .replace(/ {8}loss = F[\s\S]*?optimizer\.step\(\)/, '        loss = learn(x, y)'),
        )
        .replace(`\n${save}`, `\ntrain()\n${save}`),
    },
  ],
};
const call = `train()\n${save}`;
const trainJs = `import { batches, progress, save } from './prepare.mjs';
import { model, update } from './model.mjs';

const BATCH = 8;
let steps = 0;
while (progress() < 1) {
  const batch = batches('train', BATCH);
  const loss = model.loss(batch);
  loss.backward();
  update(model);
  steps += 1;
}
save(model);
`;
const gradientsJs = { ...node, files: [{ path: 'train.mjs', content: trainJs }] };
const inJs = (code: string) => swap('train.mjs', '  loss.backward();', code);
const afterJs = (code: string) => swap('train.mjs', 'save(model);', `${code}\nsave(model);`);

/** Training between two looks at the clock, or behind the loop that it ends. */
export const roundCases = [
  ...blocked('sealed', {
    'many rounds in a step': instead(`    for _ in range(1000):\n${indented}`),
    'rounds by a constant': `${swap('train.py', 'DEPTH = 4', 'DEPTH = 4\nROUNDS = 10 ** 6')}${instead(`    for _ in range(ROUNDS):\n${indented}`)}`,
    'rounds that are computed': instead(`    for _ in range(int(loss.item() * 1e6)):\n${indented}`),
    'rounds without end': instead(`    while loss.item() > 0.1:\n${indented}`),
    'rounds in rounds': instead(
      `    for _ in range(32):\n        for _ in range(32):\n${indented.replace(/^/gm, '    ')}`,
    ),
    'rounds by itertools': instead(`    import itertools\n    for _ in itertools.repeat(0):\n${indented}`),
    'rounds by a growing list': instead(`    rest = [0]\n    for one in rest:\n        rest.append(one)\n${indented}`),
    'rounds in a comprehension': instead('    [loss.backward(retain_graph=True) for _ in range(10 ** 6)]'),
    'rounds by map': instead(
      '    def again(_):\n        loss.backward(retain_graph=True)\n    list(map(again, range(10 ** 6)))',
    ),
    'rounds by a lambda': instead('    list(map(lambda _: loss.backward(retain_graph=True), range(10 ** 6)))'),
    'rounds by a function that calls itself': instead(`    def again():\n${indented}\n        again()\n    again()`),
    'rounds in functions': `${top(`def once(loss):\n    loss.backward()\ndef many(loss):\n    for _ in range(50):\n        once(loss)`)}${instead('    for _ in range(50):\n        many(loss)')}`,
    'a second loop': after(`for _ in range(10 ** 5):\n${more('    ')}`),
    'a second loop without end': after(`while step < 10 ** 6:\n    step += 1\n${more('    ')}`),
    'a second loop by a clock of its own': after(
      `begun = time.time()\nwhile time.time() - begun < 1000:\n${more('    ')}`,
    ),
    'a second loop before the clock': swap(
      'train.py',
      'started = time.perf_counter()',
      `for _ in range(10 ** 5):\n${more('    ')}\nstarted = time.perf_counter()`,
    ),
    'a loop when the time is up': swap(
      'train.py',
      '        break',
      `        for _ in range(10 ** 5):\n${more('            ')}\n        break`,
    ),
    'a second loop in a function': after(`def polish():\n    for _ in range(10 ** 5):\n${more('        ')}\npolish()`),
    'gradients by another function': after(
      'for _ in range(10 ** 5):\n    torch.autograd.grad(model(x).sum(), list(model.parameters()))',
    ),
  }),
  ...blocked(
    'sealed',
    {
      'trained twice': swap('train.py', call, `train()\n${call}`),
      'trained in a loop': swap('train.py', call, `for _ in range(3):\n    train()\n${save}`),
      'trained by another name': swap('train.py', call, `again = train\nagain()\n${call}`),
      'trained in a thread': swap(
        'train.py',
        call,
        `import threading\nthreading.Thread(target=train).start()\n${call}`,
      ),
      'trained in a comprehension': swap('train.py', call, `[train() for _ in range(2)]\n${save}`),
      'a step again and again': swap(
        'train.py',
        call,
        `train()\nfor _ in range(10 ** 5):\n    learn(*make_batches("train", BATCH, DEVICE))\n${save}`,
      ),
      'a compiled step again and again': swap(
        'train.py',
        call,
        `train()\nquick = torch.compile(learn)\nfor _ in range(10 ** 5):\n    quick(*make_batches("train", BATCH, DEVICE))\n${save}`,
      ),
    },
    inFunction,
  ),
  ...blocked(
    'sealed',
    {
      'many rounds in a step': inJs('  for (let i = 0; i < 1000; i++) loss.backward();'),
      'rounds whose count is set back': inJs('  for (let i = 0; i < 4; i++) {\n    loss.backward();\n    i = 0;\n  }'),
      'rounds without end': inJs('  while (loss.value > 0.1) loss.backward();'),
      'rounds by forEach': inJs('  Array.from({ length: 1e6 }).forEach(() => loss.backward());'),
      'a second loop': afterJs(
        "for (;;) {\n  model.loss(batches('train', BATCH)).backward();\n  if (++steps > 1e6) break;\n}",
      ),
      'a second loop in a function': afterJs(
        "function polish() {\n  while (steps++ < 1e6) model.loss(batches('train', BATCH)).backward();\n}\npolish();",
      ),
      'a function that calls itself': afterJs(
        "const more = () => {\n  model.loss(batches('train', BATCH)).backward();\n  more();\n};\nmore();",
      ),
    },
    gradientsJs,
  ),
  pass(
    'accumulation-in-a-loop',
    instead(
      `    optimizer.zero_grad()\n    for part in range(4):\n        x, y = make_batches("train", BATCH, DEVICE)\n        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())\n        (loss / 4).backward()\n    optimizer.step()`,
    ),
  ),
  pass(
    'accumulation-by-constants',
    `${swap('train.py', 'DEPTH = 4', 'DEPTH = 4\nTOTAL = 2 ** 10\nPARTS = TOTAL // 32 // 4 if DEVICE == "cuda" else 2')}${instead(`    for _ in range(PARTS):\n        F.cross_entropy(model(x).flatten(0, 1), y.flatten()).backward()\n    optimizer.step()\n    optimizer.zero_grad()`)}`,
  ),
  pass(
    'parts-of-a-batch',
    instead(
      '    optimizer.zero_grad()\n    for a, b in zip(x.chunk(4), y.chunk(4)):\n        F.cross_entropy(model(a).flatten(0, 1), b.flatten()).backward()\n    optimizer.step()',
    ),
  ),
  pass(
    'two-passes-over-a-batch',
    instead(`    for _ in range(2):\n        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())\n${indented}`),
  ),
  pass(
    'a-closure',
    instead(
      '    def closure():\n        optimizer.zero_grad()\n        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())\n        loss.backward()\n        return loss\n    optimizer.step(closure)',
    ),
  ),
  pass(
    'two-optimizers',
    instead('    loss.backward()\n    for each in (optimizer,):\n        each.step()\n        each.zero_grad()'),
  ),
  pass(
    'a-warm-up-of-the-compiler',
    top(
      'model = torch.compile(model)\nfor _ in range(3):\n    model(make_batches("train", BATCH, DEVICE)[0]).sum().backward()\nmodel.zero_grad()',
    ),
  ),
  pass(
    'an-average-behind-the-loop',
    after('with torch.no_grad():\n    for parameter in model.parameters():\n        parameter.mul_(0.5)'),
  ),
  pass(
    'a-longer-look-at-the-weights',
    after('total = 0\nwhile total < 10 ** 6:\n    total += sum(p.numel() for p in model.parameters())'),
  ),
  pass(
    'trained-where-the-file-is-run',
    swap('train.py', call, `if __name__ == "__main__":\n    train()\n${save}`),
    inFunction,
  ),
  pass(
    'a-step-compiled',
    swap('train.py', 'def train():', 'quick = torch.compile(learn)\n\n\ndef train():'),
    inFunction,
  ),
  pass('js-accumulation', inJs('  for (let part = 0; part < 4; part++) model.loss(batch).backward();'), gradientsJs),
  pass(
    'js-accumulation-over-parts',
    inJs("  for (const part of ['a', 'b']) model.loss(batch, part).backward();"),
    gradientsJs,
  ),
  pass('js-a-loop-behind', afterJs('for (const layer of model.layers) layer.round();'), gradientsJs),
];
