import { trainMjs, trainPy } from '../fixtures.js';
import { blocked, node, pass, python, swap, top, topJs } from './case.js';

const batch = '    x, y = make_batches("train", BATCH, DEVICE)';
const inLoop = (code: string) => swap('train.py', batch, code);
const guarded = {
  ...python,
  files: [{ path: 'train.py', content: trainPy.replace('import math\n', 'import math\nimport prepare\n') }],
};
const withData = {
  ...node,
  files: [
    { path: 'train.mjs', content: trainMjs.replace('const text = loadText();', "const text = loadText('train');") },
    ...node.files.slice(1),
  ],
};
const load = "const text = loadText('train');";
const handler = (kind: string) =>
  swap('train.py', '    optimizer.step()', `    try:\n        optimizer.step()\n    except ${kind}:\n        pass`);

/** Data to measure with, asked of the sealed module; code that outlives its end; values that answer in the ruler's place. */
export const answerCases = [
  ...blocked('sealed', {
    'data held out': inLoop('    x, y = make_batches("val", BATCH, DEVICE)'),
    'data held out as well': inLoop(
      `${batch}\n    if step % 2:\n        x, y = make_batches("validation", BATCH, DEVICE)`,
    ),
    'data held out, put together': inLoop('    x, y = make_batches("v" + "al", BATCH, DEVICE)'),
    'data held out, by a name': inLoop('    split = "val"\n    x, y = make_batches(split, BATCH, DEVICE)'),
    'data that is computed': inLoop('    x, y = make_batches(DEVICE.replace("cuda", "val"), BATCH, DEVICE)'),
    'data by a keyword': inLoop('    x, y = make_batches(split="test", size=BATCH, device=DEVICE)'),
    'data by another name of the function': inLoop('    more = make_batches\n    x, y = more("val", BATCH, DEVICE)'),
    'data by a function of functions': top('from functools import partial\nmore = partial(make_batches, "val")'),
    'data by a list of functions': inLoop('    x, y = [make_batches][0]("val", BATCH, DEVICE)'),
  }),
  ...blocked('sealed', { 'data by a field': top('text = prepare.val_text') }, guarded),
  ...blocked(
    'sealed',
    {
      'data held out': swap('train.mjs', load, "const text = loadText('val');"),
      'data held out, put together': swap('train.mjs', load, "const text = loadText('hold' + 'out');"),
      'data that is computed': swap('train.mjs', load, 'const text = loadText(options.split);'),
      'data by another name of the function': swap('train.mjs', load, `${load}\nconst more = loadText;`),
    },
    withData,
  ),
  ...blocked('sealed', {
    'the end kept off': handler('KeyboardInterrupt'),
    'the end kept off, with others': handler('(ValueError, KeyboardInterrupt) as error'),
    'the end kept off by its base': handler('BaseException'),
    'the exit kept off': handler('SystemExit'),
    'the end kept off by suppress': top('import contextlib\nwith contextlib.suppress(KeyboardInterrupt):\n    x = 1'),
    'a whole loop that goes on': top('try:\n    for layer in model.blocks:\n        layer.train()\nexcept:\n    pass'),
    'a figure that formats as another': top(
      'class Figure(float):\n    def __format__(self, spec):\n        return "0.1"',
    ),
    'a figure that is another number': top('class Figure:\n    def __float__(self):\n        return 0.1'),
    'a figure by a lambda': top('class Figure(float):\n    __format__ = lambda self, spec: "0.1"'),
    'a tensor that answers for functions': top(
      'class Soft(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None):\n        return torch.zeros(())',
    ),
    'a mode for all functions': top('from torch.overrides import TorchFunctionMode'),
    'a hook of all modules': top('nn.modules.module.register_module_forward_hook(lambda *a: None)'),
  }),
  ...blocked(
    'sealed',
    {
      'a figure that is another': topJs('const f = { valueOf() { return 0.1; } };'),
      'a figure that shows as another': topJs("const f = { toFixed: () => '0.1' };"),
      'a figure by a symbol': topJs('class F {\n  [Symbol.toPrimitive]() {\n    return 0.1;\n  }\n}'),
    },
    node,
  ),
  pass('a-larger-batch', inLoop('    x, y = make_batches("train", BATCH * 2, DEVICE)')),
  pass('a-batch-by-keywords', inLoop('    x, y = make_batches("train", size=64, device=DEVICE)')),
  pass('two-batches', inLoop(`${batch}\n    more, _ = make_batches("train", 8, DEVICE)`)),
  pass('data-by-a-setting', inLoop('    split = "train"\n    x, y = make_batches(split, BATCH, DEVICE)')),
  pass('batches-ahead', top('ahead = (make_batches("train", BATCH, DEVICE) for _ in range(2))')),
  pass('a-sealed-setting', top('rows = vocabulary_size * 2\nsizes = [vocabulary_size, WIDTH]')),
  pass('an-error-caught', handler('RuntimeError')),
  pass('any-error-caught', handler('Exception as error')),
  pass(
    'an-end-handed-on',
    swap(
      'train.py',
      '    optimizer.step()',
      '    try:\n        optimizer.step()\n    except KeyboardInterrupt:\n        print("ended")\n        raise',
    ),
  ),
  pass('an-error-of-any-kind', top('try:\n    model = torch.compile(model)\nexcept:\n    pass')),
  pass(
    'a-class-that-shows-itself',
    top('class Shape:\n    def __repr__(self):\n        return "shape"\n    def __len__(self):\n        return DEPTH'),
  ),
  pass('a-hook-of-its-own', top('model.register_forward_hook(lambda module, given, made: None)')),
  pass(
    'js-other-data',
    swap('train.mjs', load, "const text = loadText('train');\nconst size = text.length;"),
    withData,
  ),
  pass('js-a-class-that-shows-itself', topJs('class Shape {\n  toString() {\n    return `${ORDER}`;\n  }\n}'), node),
];
