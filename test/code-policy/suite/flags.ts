import { trainMjs, trainPy } from '../fixtures.js';
import { blocked, node, pass, python, swap } from './case.js';

const check = '    if elapsed >= TIME_BUDGET:\n        break\n';
const from = (content: string) => ({ ...python, files: [{ path: 'train.py', content }] });
const fromJs = (content: string) => ({ ...node, files: [{ path: 'train.mjs', content }, ...node.files.slice(1)] });

// The clock's check sets a flag, and the loop asks the flag.
const flagged = from(
  trainPy
    .replace('while True:', 'done = False\nwhile not done:')
    .replace(check, '    if elapsed >= TIME_BUDGET:\n        done = True\n'),
);
const event = from(
  trainPy
    .replace('import time\n', 'import threading\nimport time\n')
    .replace('while True:', 'over = threading.Event()\nwhile not over.is_set():')
    .replace(check, '    if elapsed >= TIME_BUDGET:\n        over.set()\n'),
);
const inState = from(
  trainPy
    .replace('while True:', 'state = {"done": False}\nwhile not state["done"]:')
    .replace(check, '    if elapsed >= TIME_BUDGET:\n        state["done"] = True\n'),
);
const asked = from(
  trainPy
    .replace(
      'started = time.perf_counter()',
      'def over(elapsed):\n    if elapsed >= TIME_BUDGET:\n        return True\n    return False\n\n\nstarted = time.perf_counter()',
    )
    .replace(check, '    if over(elapsed):\n        break\n'),
);
const untilDef = 'def fit(deadline):';
const untilCall = 'fit(started + TIME_BUDGET)';
// The loop stands in a function that is given its end.
const until = from(
  trainPy.replace(/while True:[^]*?flush=True\)\n/, (loop) => {
    const inner = loop
      .replace(check, '    if time.perf_counter() >= deadline:\n        break\n')
      .replace('step += 1', 'step = step + 1')
      .replace(/^(?=.)/gm, '    ');
    return `${untilDef}\n    step = 0\n${inner}\n\n${untilCall}\n`;
  }),
);
const last = from(trainPy.replace(check, '').replace('    step += 1\n', `    step += 1\n${check}`));
const whileJs = 'while (performance.now() - startedAt < budgetMs) {';
const flaggedJs = fromJs(
  trainMjs
    .replace(whileJs, 'let done = false;\nwhile (!done) {')
    .replace('  steps += 1;\n', '  steps += 1;\n  if (performance.now() - startedAt >= budgetMs) done = true;\n'),
);
const breakJs = fromJs(
  trainMjs
    .replace(whileJs, 'for (;;) {')
    .replace('  steps += 1;\n', '  steps += 1;\n  if (performance.now() - startedAt >= budgetMs) break;\n'),
);
// What a sealed module begins has the clock in it.
const begunJs = fromJs(
  trainMjs
    .replace('evaluateBits, generator', 'evaluateBits, generator, startTraining')
    .replace(
      whileJs,
      'const { progress } = startTraining();\nfor (let done = progress(); done < 1; done = progress()) {',
    ),
);
// The clock is a sealed module's.
const sealedClock = from(
  trainPy
    .replace('TIME_BUDGET, evaluate_loss', 'Training, evaluate_loss')
    .replace('started = time.perf_counter()\n', 'training = Training()\n')
    .replace('while True:', 'done = training.progress()\nwhile done < 1:')
    .replace('    elapsed = time.perf_counter() - started\n', '')
    .replace(check, '')
    .replace('elapsed / TIME_BUDGET', 'done')
    .replace('    step += 1\n', '    step += 1\n    done = training.progress()\n'),
);
const sealedClockJs = fromJs(
  trainMjs
    .replace('evaluateBits, generator', 'evaluateBits, generator, progress')
    .replace(whileJs, 'for (let done = progress(); done < 1; done = progress()) {'),
);
const head = '    if elapsed >= TIME_BUDGET:\n';
const step = '    step += 1';
const rate = '        group["lr"] = learning_rate';
const checkJs = '  if (performance.now() - startedAt >= budgetMs)';

/** Stops that the clock has no part in any more, though its check stands where it stood. */
export const flagCases = [
  ...blocked('sealed', {
    'a stop that passes': swap('train.py', '        break', '        pass'),
    'a stop that goes on': swap('train.py', '        break', '        continue'),
    'a stop that goes on first': swap('train.py', '        break', '        continue\n        break'),
    'a stop of another loop': swap('train.py', '        break', '        for _ in range(1):\n            break'),
    'a stop under another condition': swap(
      'train.py',
      '        break',
      '        if step > 10 ** 9:\n            break',
    ),
    'a stop that only prints': swap('train.py', '        break', '        print("time is up")'),
  }),
  ...blocked(
    'sealed',
    {
      'a flag never set': swap('train.py', '        done = True', '        pass'),
      'a flag set to no': swap('train.py', '        done = True', '        done = False'),
      'a flag set by something else': swap('train.py', '        done = True', '        done = step > 10 ** 9'),
      'a flag taken back': swap('train.py', step, `${step}\n    done = False`),
      'a flag never read': swap('train.py', 'while not done:', 'while True:'),
      'another flag read': swap(
        'train.py',
        'done = False\nwhile not done:',
        'done = False\nfinished = False\nwhile not finished:',
      ),
      'a flag and more': swap('train.py', 'while not done:', 'while not done or step < 10 ** 9:'),
      'a flag in a function': swap(
        'train.py',
        step,
        `${step}\n    def undo():\n        global done\n        done = False\n    undo()`,
      ),
    },
    flagged,
  ).map((one) => ({ ...one, id: `${one.id} (flag)` })),
  ...blocked(
    'sealed',
    {
      'an event cleared': swap('train.py', step, `${step}\n    over.clear()`),
      'an event not set': swap('train.py', '        over.set()', '        over.is_set()'),
      'another event': swap('train.py', step, `${step}\n    over = threading.Event()`),
    },
    event,
  ),
  ...blocked(
    'sealed',
    {
      'an item taken back': swap('train.py', step, `${step}\n    state["done"] = False`),
      'an item taken back by update': swap('train.py', step, `${step}\n    state.update(done=False)`),
      'an item taken back by another name': swap(
        'train.py',
        step,
        `${step}\n    s = state\n    s.update({"d" + "one": False})`,
      ),
    },
    inState,
  ),
  ...blocked(
    'sealed',
    {
      'a function that says no': swap('train.py', '        return True', '        return step > 10 ** 9'),
      'a function that always says no': swap('train.py', '        return True', '        return False'),
    },
    asked,
  ),
  // What else a function is given is no business of the time that it is given.
  pass(
    'a-parameter-more-beside-the-time',
    swap('train.py', untilDef, 'def fit(deadline, clip):') +
      swap('train.py', untilCall, 'fit(started + TIME_BUDGET, 1.0)'),
    until,
  ),
  ...blocked(
    'sealed',
    { 'another time for the function that trains': swap('train.py', untilCall, 'fit(started + 9 * TIME_BUDGET)') },
    until,
  ),
  ...blocked(
    'sealed',
    {
      'the next round before the check': swap('train.py', '    optimizer.step()', '    optimizer.step()\n    continue'),
      'the next round on most steps': swap(
        'train.py',
        '    optimizer.step()',
        '    optimizer.step()\n    if step < 10 ** 9:\n        continue',
      ),
    },
    last,
  ),
  ...blocked(
    'sealed',
    {
      'a flag never set': swap('train.mjs', `${checkJs} done = true;`, `${checkJs} done = steps > 1e9;`),
      'a flag taken back': swap('train.mjs', '  steps += 1;', '  steps += 1;\n  done = false;'),
      'a flag never read': swap('train.mjs', 'while (!done) {', 'while (true) {'),
    },
    flaggedJs,
  ).map((one) => ({ ...one, id: `${one.id} (flag)` })),
  ...blocked(
    'sealed',
    {
      'a stop that passes': swap(
        'train.mjs',
        '  if (performance.now() - startedAt >= budgetMs) break;',
        '  if (performance.now() - startedAt >= budgetMs) console.log(steps);',
      ),
      'the next round before the check': swap(
        'train.mjs',
        '  steps += 1;',
        '  steps += 1;\n  if (steps < 1e9) continue;',
      ),
    },
    breakJs,
  ),
  ...blocked(
    'sealed',
    {
      'a later end by the sealed clock': swap('train.py', 'while done < 1:', 'while done < 5:'),
      'a share of the sealed clock': swap(
        'train.py',
        '    done = training.progress()',
        '    done = training.progress() / 5',
      ),
      'the sealed clock not asked': swap('train.py', '    step += 1\n    done = training.progress()', '    step += 1'),
      'another clock in the sealed one’s place': swap('train.py', step, `${step}\n    training = Block(WIDTH)`),
      'the sealed clock patched': swap('train.py', step, `${step}\n    training.progress = lambda: 0.1`),
      'the sealed clock put aside': swap('train.py', '    step += 1', '    step += 1\n    done = 0'),
    },
    sealedClock,
  ),
  ...blocked(
    'sealed',
    {
      'a later end by the sealed clock': swap(
        'train.mjs',
        'for (let done = progress(); done < 1; done = progress()) {',
        'for (let done = progress(); done < 5; done = progress()) {',
      ),
      'the sealed clock put aside': swap('train.mjs', '  steps += 1;', '  steps += 1;\n  done = 0;'),
    },
    sealedClockJs,
  ),
  ...blocked(
    'sealed',
    {
      'another function for what was begun': swap(
        'train.mjs',
        'const { progress } = startTraining();',
        'const { size: progress } = startTraining();',
      ),
      'a later end by what was begun': swap(
        'train.mjs',
        'for (let done = progress(); done < 1; done = progress()) {',
        'for (let done = progress(); done < 5; done = progress()) {',
      ),
    },
    begunJs,
  ),
  pass(
    'js-more-of-what-was-begun',
    swap('train.mjs', 'const { progress } = startTraining();', 'const { progress, size } = startTraining();'),
    begunJs,
  ),
  pass(
    'a-round-left-out-by-a-condition',
    swap('train.py', '    optimizer.step()', '    if torch.isfinite(loss):\n        optimizer.step()'),
    last,
  ),
  pass('a-line-before-the-stop', swap('train.py', head.trimEnd(), `${head}        print(f"{step} steps")`)),
  pass(
    'a-round-left-out-after-the-check',
    swap(
      'train.py',
      '    optimizer.zero_grad()',
      '    if not torch.isfinite(loss):\n        continue\n    optimizer.zero_grad()',
    ),
  ),
  pass('an-early-end', swap('train.py', step, `${step}\n    if not math.isfinite(loss.item()):\n        break`)),
  pass('a-flag-set-early', swap('train.py', step, `${step}\n    if loss.item() > 100:\n        done = True`), flagged),
  pass('another-flag', swap('train.py', step, `${step}\n    is_warm = step > 100`), flagged),
  pass(
    'a-line-beside-the-flag',
    swap('train.py', '        done = True', '        print(f"{step} steps")\n        done = True'),
    flagged,
  ),
  pass('another-item', swap('train.py', step, `${step}\n    state["steps"] = step`), inState),
  pass(
    'a-schedule-by-the-sealed-clock',
    swap('train.py', `${rate}(done)`, `${rate}(min(1.0, done * 1.1))`),
    sealedClock,
  ),
  pass(
    'js-a-flag-set-early',
    swap('train.mjs', '  steps += 1;', '  steps += 1;\n  if (table.size > 1e6) done = true;'),
    flaggedJs,
  ),
  pass('js-an-early-end', swap('train.mjs', '  steps += 1;', '  steps += 1;\n  if (table.size > 1e6) break;'), breakJs),
  pass(
    'js-a-round-left-out',
    swap(
      'train.mjs',
      '  const weights = row(table, key);',
      "  if (key === '') continue;\n  const weights = row(table, key);",
    ),
    node,
  ),
];
