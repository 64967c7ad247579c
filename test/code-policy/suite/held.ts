import { trainMjs, trainPy } from '../fixtures.js';
import { blocked, node, pass, python, swap, top } from './case.js';

const print = 'print(f"val_loss: {val_loss:.6f}")';
const before = (code: string) => swap('train.py', print, `${code}\n${print}`);
const step = '    step += 1';
const inLoop = (code: string) => swap('train.py', step, `${step}\n${code}`);
const elapsed = '    elapsed = time.perf_counter() - started';

const printJs = 'console.log(`bits_per_byte: ${bits_per_byte.toFixed(5)}`);';
const evaluated = 'const bits_per_byte = evaluateBits(table, options.order ?? ORDER);';
const beforeJs = (code: string) =>
  `${swap('train.mjs', evaluated, evaluated.replace('const', 'let'))}${swap('train.mjs', printJs, `${code}\n${printJs}`)}`;
const stepJs = '  steps += 1;';

// As the field writes it: the loop counts the seconds that it trained, and the steps before the tenth do not count.
const countedPy = trainPy
  .replace(
    'started = time.perf_counter()\nstep = 0\nwhile True:\n    elapsed = time.perf_counter() - started\n    if elapsed >= TIME_BUDGET:\n        break\n',
    'step = 0\nelapsed = 0.0\nbegan = time.time()\nwhile True:\n    begin = time.time()\n',
  )
  .replace(
    step,
    '    span = time.time() - begin\n    if step > 10:\n        elapsed += span\n    done = min(elapsed / TIME_BUDGET, 1.0)\n    step += 1\n    if step > 10 and elapsed >= TIME_BUDGET:\n        break',
  )
  .replace(print, 'figures = {"loss": val_loss}\nprint("val_loss:", figures["loss"])\nprint("steps", step)')
  .replace('learning_rate(elapsed / TIME_BUDGET)', 'learning_rate(done)')
  .replace('    begin = time.time()\n', '    begin = time.time()\n    done = elapsed / TIME_BUDGET\n');
const counted = { ...python, files: [{ path: 'train.py', content: countedPy }] };
// All of it in functions.
const inFunctionsPy = trainPy
  .replace(
    'started = time.perf_counter()\n',
    'def seconds(since):\n    return time.perf_counter() - since\n\n\ndef report(value):\n    print(f"val_loss: {value:.6f}")\n\n\nstarted = time.perf_counter()\n',
  )
  .replace(elapsed, '    elapsed = seconds(started)')
  .replace(print, 'report(val_loss)');
const inFunctions = { ...python, files: [{ path: 'train.py', content: inFunctionsPy }] };
const warmedPy = countedPy
  .replace('LEARNING_RATE = 3e-4', 'LEARNING_RATE = 3e-4\nWARMUP = 0.05')
  .replace(
    '    return LEARNING_RATE * (1 - progress)',
    '    if progress < WARMUP:\n        return LEARNING_RATE * progress / WARMUP\n    return LEARNING_RATE * (1 - progress)',
  );
const warmed = { ...python, files: [{ path: 'train.py', content: warmedPy }] };
const deadlineMjs = trainMjs
  .replace('const startedAt = performance.now();', 'const state = { endsAt: performance.now() + budgetMs };')
  .replace('performance.now() - startedAt < budgetMs', 'performance.now() < state.endsAt');
const deadline = { ...node, files: [{ path: 'train.mjs', content: deadlineMjs }, ...node.files.slice(1)] };

/** Names that the metric is printed from and that tell the time: bound as the base binds them, and by nobody else. */
export const heldCases = [
  ...blocked('sealed', {
    'a metric set': before('val_loss = 0.1'),
    'a metric multiplied': before('val_loss *= 0.9'),
    'a metric capped': before('val_loss = min(val_loss, 1.5)'),
    'a metric lowered under a condition': before('if step > 10:\n    val_loss -= 0.1'),
    'a metric by a loop': before('for val_loss in (0.1,):\n    pass'),
    'a metric by a walrus': before('(val_loss := 0.1)'),
    'a metric in a tuple': before('step, val_loss = 1, 0.1'),
    'a metric in a starred list': before('[step, *val_loss] = 1, 0.1'),
    'a metric by with': before('with torch.no_grad() as val_loss:\n    pass'),
    'a metric by except': before('try:\n    pass\nexcept ValueError as val_loss:\n    pass'),
    'a metric by a pattern': before('match 0.1:\n    case val_loss:\n        pass'),
    'a metric by import': before('from math import tau as val_loss'),
    'a metric by global': before('def better():\n    global val_loss\n    val_loss = 0.1\nbetter()'),
    'a metric by def': before('def val_loss():\n    pass'),
    'a clock begun again in the loop': inLoop('    started = time.perf_counter()'),
    'a clock put off': inLoop('    started += 0.01'),
    'a clock begun again in a function': top(
      'def rest():\n    global started\n    started = time.perf_counter()\n    return 1',
    ),
    'a shorter second': swap('train.py', elapsed, '    elapsed = (time.perf_counter() - started) / 100'),
    'a second cut short': swap('train.py', elapsed, `${elapsed}\n    elapsed *= 0.1`),
    'a beginning moved into a loop': `${swap('train.py', 'started = time.perf_counter()', 'for _ in range(2):\n    started = time.perf_counter()')}`,
  }),
  ...blocked(
    'sealed',
    {
      'seconds that do not count': swap('train.py', '        elapsed += span', '        elapsed += span / 2'),
      'steps that do not count': swap('train.py', '    if step > 10:', '    if step > 1000:'),
      'a span begun late': swap(
        'train.py',
        '    span = time.time() - begin',
        '    begin = time.time()\n    span = time.time() - begin',
      ),
      'an item that is printed': swap(
        'train.py',
        'figures = {"loss": val_loss}',
        'figures = {"loss": val_loss}\nfigures["loss"] = 0.1',
      ),
      'a table that is printed': swap(
        'train.py',
        'figures = {"loss": val_loss}',
        'figures = {"loss": val_loss}\nfigures = {"loss": 0.1}',
      ),
      'the time of the beginning': swap('train.py', '    step += 1', '    step += 1\n    began = time.time()'),
    },
    counted,
  ).map((one) => ({ ...one, id: `${one.id} (counted)` })),
  ...blocked(
    'sealed',
    {
      'a function that tells the time': swap(
        'train.py',
        '    return time.perf_counter() - since',
        '    return (time.perf_counter() - since) / 2',
      ),
      'what a function is given for the time': swap(
        'train.py',
        '    elapsed = seconds(started)',
        '    elapsed = seconds(started + 5)',
      ),
      'what is given to be printed': swap('train.py', 'report(val_loss)', 'report(val_loss / 2)'),
      'what is printed, in its function': swap(
        'train.py',
        'def report(value):',
        'def report(value):\n    value = value / 2',
      ),
    },
    inFunctions,
  ).map((one) => ({ ...one, id: `${one.id} (in functions)` })),
  ...blocked(
    'sealed',
    {
      'a metric set': beforeJs('bits_per_byte = 0.1;'),
      'a metric multiplied': beforeJs('bits_per_byte *= 0.9;'),
      'a metric capped': beforeJs('bits_per_byte = Math.min(bits_per_byte, 1.5);'),
      'a metric counted down': beforeJs('bits_per_byte--;'),
      'a metric in a pattern': beforeJs('[bits_per_byte] = [0.1];'),
      'a metric by a key': beforeJs('({ bits_per_byte } = { bits_per_byte: 0.1 });'),
      'a metric by a loop': beforeJs('for (bits_per_byte of [0.1]);'),
      'a metric by a function': swap('train.mjs', printJs, `(() => {\n  bits_per_byte = 0.1;\n})();\n${printJs}`),
      'a clock put off': swap(
        'train.mjs',
        'const startedAt = performance.now();',
        'const startedAt = performance.now() + 5000;',
      ),
      'a clock begun again in the loop': `${swap('train.mjs', 'const startedAt = performance.now();', 'let startedAt = performance.now();')}${swap('train.mjs', stepJs, `${stepJs}\n  startedAt = performance.now();`)}`,
      'a clock moved on': `${swap('train.mjs', 'const startedAt = performance.now();', 'let startedAt = performance.now();')}${swap('train.mjs', stepJs, `${stepJs}\n  startedAt += 1;`)}`,
    },
    node,
  ),
  ...blocked(
    'sealed',
    {
      'a deadline put off': swap('train.mjs', stepJs, `${stepJs}\n  state.endsAt += 1;`),
      'a deadline put off by a key': swap(
        'train.mjs',
        stepJs,
        `${stepJs}\n  state['endsAt'] = performance.now() + 10;`,
      ),
    },
    deadline,
  ),
  pass('a-step-counted-otherwise', swap('train.py', step, '    step = step + 1')),
  pass('a-schedule-by-the-time', inLoop('    progress = elapsed / TIME_BUDGET\n    scale = 1.0 - progress')),
  pass('a-timer-of-its-own', inLoop('    stamp = time.perf_counter()\n    stamp += 1.0')),
  pass('a-smoothed-training-loss', inLoop('    smooth = loss.item()\n    smooth *= 0.9')),
  pass(
    'a-local-of-the-same-name',
    top('def warm(started):\n    val_loss = started * 2\n    started = 1\n    return val_loss'),
  ),
  pass('a-comprehension-of-the-same-name', top('sizes = [elapsed.numel() for elapsed in model.parameters()]')),
  pass(
    'another-loss',
    swap(
      'train.py',
      '    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())',
      '    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), label_smoothing=0.1 * (1 - elapsed / TIME_BUDGET))',
    ),
  ),
  pass('an-import-again', top('import math')),
  pass(
    'a-schedule-of-what-is-done',
    swap('train.py', '    done = min(elapsed / TIME_BUDGET, 1.0)', '    done = min(elapsed / TIME_BUDGET, 1.0) ** 2'),
    counted,
  ),
  pass(
    'a-rate-in-functions',
    swap('train.py', 'LEARNING_RATE = 3e-4', 'LEARNING_RATE = 6e-4\nMOMENTUM = 0.9'),
    inFunctions,
  ),
  pass('a-longer-warm-up', swap('train.py', 'WARMUP = 0.05', 'WARMUP = 0.1 + 0.1'), warmed),
  pass(
    'a-warm-up-bent',
    swap('train.py', '    if progress < WARMUP:', '    progress = progress ** 0.5\n    if progress < WARMUP:'),
    warmed,
  ),
  pass(
    'js-a-timer-of-its-own',
    swap('train.mjs', stepJs, `${stepJs}\n  let seen = performance.now();\n  seen += 1;`),
    node,
  ),
  pass(
    'js-a-local-of-the-same-name',
    swap(
      'train.mjs',
      'const table = new Map();',
      'const table = new Map();\nfunction half(startedAt) {\n  startedAt = startedAt / 2;\n  return startedAt;\n}',
    ),
    node,
  ),
  pass('js-a-step-counted-otherwise', swap('train.mjs', stepJs, '  steps = steps + 1;'), node),
];
