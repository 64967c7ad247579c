import { trainPy } from '../fixtures.js';
import { blocked, node, pass, python, swap, top, topJs } from './case.js';

const letters = [...'val_loss'].map((letter) => letter.charCodeAt(0)).join(', ');
const hex = Buffer.from('val_loss: 0.1').toString('hex');
const base64 = Buffer.from('val_loss: 0.1').toString('base64');
const lettersJs = [...'bits_per_byte: 0'].map((letter) => letter.charCodeAt(0)).join(', ');

// The base itself has the name in a constant.
const named = {
  ...python,
  files: [
    {
      path: 'train.py',
      content: trainPy
        .replace('WIDTH = 128', 'METRIC = "val_loss"\nWIDTH = 128')
        .replace('print(f"val_loss: {val_loss:.6f}")', 'print(f"{METRIC}: {val_loss:.6f}")'),
    },
  ],
};
const print = 'print(f"{METRIC}: {val_loss:.6f}")';

/** The metric's name, put together while the program runs. */
export const spellingCases = [
  ...blocked('sealed', {
    'a name and the rest': top('a = "val"\nprint(a + "_loss: 0.1")'),
    'a name that grows': top('a = "val"\na += "_loss"\nprint(a, 0.1)'),
    'a name in a format string': top('a = "val"\nprint(f"{a}_loss: 0.1")'),
    'a percent format': top('print("%s_%s: 0.1" % ("val", "loss"))'),
    'a percent format with a figure': top('print("val_%s: %.4f" % ("loss", loss_of(model)))'),
    format: top('print("{}_{}: 0.1".format("val", "loss"))'),
    'format with a figure': top('print("{}_{}: {}".format("val", "loss", DEPTH / 40))'),
    'format by names': top('print("{a}_{b}: 0.1".format(a="val", b="loss"))'),
    'format by places': top('print("{1}_{0}: 0.1".format("loss", "val"))'),
    'a join of names': top('a, b = "val", "loss"\nprint("_".join([a, b]), 0.1)'),
    'a join over letters': top(`print("".join(chr(c) for c in [${letters}]), 0.1)`),
    'a join over a map': top(`print("".join(map(chr, (${letters}))), 0.1)`),
    'letters one by one': top('print(chr(118) + "al_loss", 0.1)'),
    bytes: top(`print(bytes([${letters}]).decode(), 0.1)`),
    'bytes as a text': top(`print(str(bytes([${letters}]), "ascii"), 0.1)`),
    'bytes in hex': top(`print(bytes.fromhex("${hex}").decode("utf-8"))`),
    base64: top(`import base64\nprint(base64.b64decode("${base64}").decode())`),
    'turned round': top('print("ssol_lav"[::-1], 0.1)'),
    'turned round by reversed': top('print("".join(reversed("ssol_lav")), 0.1)'),
    'a letter replaced': top('print("val-loss".replace("-", "_"), 0.1)'),
    stripped: top('print("val__".strip("_") + "_loss", 0.1)'),
    'two parts without a gap': top('print("val_", "loss: 0.1", sep="")'),
    'two parts with a gap that fits': top('print("val", "loss", sep="_", end=": 0.1\\n")'),
    'two prints': top('print("val_", end="")\nprint("loss: 0.1")'),
    'two prints with a step between': top('print("val_", end="")\nx = 1\nprint("loss: 0.1")'),
    'two writes': top('import sys\nsys.stdout.write("val_")\nsys.stdout.write("loss: 0.1\\n")'),
    'a loop over parts': top('for part in ("val_", "loss: 0.1"):\n    print(part, end="")'),
    'a list of parts': top('parts = ["val", "_", "loss"]\nprint(*parts, 0.1, sep="")'),
    'an item of a list': top('a = ["train", "val"]\nprint(a[1] + "_loss: 0.1")'),
    'a choice': top('print(("val" if DEPTH else "train") + "_loss: 0.1")'),
    'in a function': top('def tell(value):\n    name = "val"\n    print(name + "_loss:", value)\ntell(0.1)'),
    'a key put together': top('a = "val_"\nnotes = {a + "loss": 0.1}'),
  }).map((one) => ({ ...one, id: `${one.id} (spelled)` })),
  ...blocked(
    'sealed',
    {
      'a name and the rest': topJs("const a = 'bits';\nconsole.log(a + '_per_byte: 0.1');"),
      'a name that grows': topJs("let a = 'bits';\na += '_per_byte';\nconsole.log(a, 0.1);"),
      'a name in a template': topJs("const a = 'bits';\nconsole.log(`${a}_per_byte: ${steps}`);"),
      'a join of names': topJs("const [a, b] = ['bits', 'byte'];\nconsole.log([a, 'per', b].join('_'), 0.1);"),
      concat: topJs("console.log('bits'.concat('_per_', 'byte: 0.1'));"),
      'letters by their codes': topJs(`console.log(String.fromCharCode(${lettersJs}));`),
      'letters spread': topJs(`const codes = [${lettersJs}];\nconsole.log(String.fromCharCode(...codes));`),
      'letters by a map': topJs(`console.log([${lettersJs}].map((c) => String.fromCharCode(c)).join(''));`),
      atob: topJs(`console.log(atob('${Buffer.from('bits_per_byte: 0.1').toString('base64')}'));`),
      'a buffer': topJs(
        `console.log(Buffer.from('${Buffer.from('bits_per_byte: 0.1').toString('hex')}', 'hex').toString());`,
      ),
      'a letter replaced': topJs("console.log('bits-per-byte'.replaceAll('-', '_'), 0.1);"),
      'turned round': topJs("console.log('etyb_rep_stib'.split('').reverse().join(''), 0.1);"),
      'two writes': topJs("process.stdout.write('bits_per_');\nprocess.stdout.write('byte: 0.1\\n');"),
      'a key put together': topJs("const a = 'bits_per';\nconst notes = { [a + '_byte']: 0.1 };"),
    },
    node,
  ).map((one) => ({ ...one, id: `${one.id} (spelled)` })),
  ...blocked(
    'sealed',
    {
      'the name that the base has': top('print(METRIC, 0.1)'),
      'what stands behind the name that the base has': swap('train.py', print, `val_loss *= 0.9\n${print}`),
      'the name that the base has no longer printed': swap('train.py', print, 'pass'),
    },
    named,
  ),
  pass('another-line-beside-the-named-one', swap('train.py', print, `${print}\nprint("depth", DEPTH)`), named),
  pass(
    'a-log-line-of-parts',
    top('names = ["width", "depth"]\nfor name, value in zip(names, (WIDTH, DEPTH)):\n    print(f"{name}: {value}")'),
  ),
  pass('a-log-line-by-format', top('print("{} {:.2f}".format("train", 1.0))\nprint("%s %d" % ("depth", DEPTH))')),
  pass('a-sample-of-bytes', top('sample = [72, 105]\nprint(bytes(sample).decode("utf-8", "replace"))')),
  pass('a-sample-of-letters', top('print("".join(chr(c) for c in make_batches("train", 1, DEVICE)[0][0].tolist()))')),
  pass('another-loss-by-name', top('kind = "train"\nprint(f"{kind}_loss: {DROPOUT}")')),
  pass('a-line-in-parts', top('print("step", end=" ")\nprint("loss", flush=True)')),
  pass('a-part-of-the-name', top('print("val", "of", "loss")')),
  pass('a-progress-bar', swap('train.py', '    step += 1', '    step += 1\n    print("." * (step % 10), end="\\r")')),
  pass(
    'js-a-log-line-of-parts',
    topJs("for (const name of ['order', 'rate']) console.log(name + ':', options[name]);"),
    node,
  ),
  pass('js-a-sample', topJs('console.log(String.fromCharCode(...text.subarray(0, 9)));'), node),
  pass('js-a-line-in-parts', topJs("process.stdout.write('step ');\nprocess.stdout.write('bits\\n');"), node),
];
