import { trainMjs, trainPy } from '../fixtures.js';
import { blocked, node, pass, python, swap } from './case.js';

const print = 'print(f"val_loss: {val_loss:.6f}")';
const printed = 'figures = {"loss": val_loss, "steps": step}\nprint("val_loss:", figures["loss"])';
const inTable = { ...python, files: [{ path: 'train.py', content: trainPy.replace(print, printed) }] };
const before = (code: string) =>
  swap('train.py', 'print("val_loss:", figures["loss"])', `${code}\nprint("val_loss:", figures["loss"])`);
const inListPy = trainPy
  .replace('val_loss = evaluate_loss(model, DEVICE)', 'losses = []\nlosses.append(evaluate_loss(model, DEVICE))')
  .replace(print, 'print(f"val_loss: {sum(losses) / len(losses):.6f}")');
const inList = { ...python, files: [{ path: 'train.py', content: inListPy }] };
const tensorPrint = (code: string) => swap('train.py', print, `${code}\n${print}`);

const printJs = 'console.log(`bits_per_byte: ${bits_per_byte.toFixed(5)}`);';
const printedJs =
  'const figures = { bits: bits_per_byte, steps };\nconsole.log(`bits_per_byte: ${figures.bits.toFixed(5)}`);';
const inTableJs = {
  ...node,
  files: [{ path: 'train.mjs', content: trainMjs.replace(printJs, printedJs) }, ...node.files.slice(1)],
};
const line = 'console.log(`bits_per_byte: ${figures.bits.toFixed(5)}`);';
const beforeJs = (code: string) => swap('train.mjs', line, `${code}\n${line}`);

/** Figures that the metric is printed from, changed where they lie. */
export const figureCases = [
  ...blocked(
    'sealed',
    {
      update: before('figures.update({"loss": 0.1})'),
      'update by a keyword': before('figures.update(loss=0.1)'),
      'update by stars': before('figures.update(**{"loss": 0.1})'),
      'update by pairs': before('figures.update([("loss", 0.1)])'),
      'update by what is computed': before('figures.update({"lo" + DEVICE: 0.1})'),
      'setdefault after pop': before('figures.pop("loss")\nfigures.setdefault("loss", 0.1)'),
      'the or of two tables': before('figures |= {"loss": 0.1}'),
      __setitem__: before('figures.__setitem__("loss", 0.1)'),
      '__setitem__ of dict': before('dict.__setitem__(figures, "loss", 0.1)'),
      'update of dict': before('dict.update(figures, loss=0.1)'),
      __ior__: before('figures.__ior__({"loss": 0.1})'),
      'setitem of operator': before('import operator\noperator.setitem(figures, "loss", 0.1)'),
      'an item by a name that is computed': before('figures["lo" + DEVICE[:0] + "ss"] = 0.1'),
      'another name for the table': before('f = figures\nf.update([("loss", 0.1)])'),
      'another name, two steps away': before('f = figures\ng = f\ng |= {"loss": 0.1}'),
      'the table in a list': before('for f in [figures]:\n    f.update([("loss", 0.1)])'),
      'the table in a function': before('def tidy(table):\n    table.update([("loss", 0.1)])\ntidy(figures)'),
      'the table emptied': before('figures.clear()'),
    },
    inTable,
  ).map((one) => ({ ...one, id: `${one.id} (table)` })),
  ...blocked(
    'sealed',
    {
      'a figure more': swap('train.py', 'losses = []', 'losses = []\nlosses.append(0.0)'),
      'figures more at once': swap('train.py', 'losses = []', 'losses = []\nlosses.extend([0.0] * 9)'),
      'a figure before': swap('train.py', 'losses = []', 'losses = []\nlosses.insert(0, 0.0)'),
      'a figure more, by an operator': swap('train.py', 'losses = []', 'losses = []\nlosses += [0.0]'),
      'an item set': swap(
        'train.py',
        'print(f"val_loss: {sum(losses) / len(losses):.6f}")',
        'losses[0] = 0.1\nprint(f"val_loss: {sum(losses) / len(losses):.6f}")',
      ),
    },
    inList,
  ).map((one) => ({ ...one, id: `${one.id} (list)` })),
  ...blocked('sealed', {
    'a tensor multiplied where it lies': tensorPrint('val_loss.mul_(0.9)'),
    'a tensor filled': tensorPrint('val_loss.data.fill_(0.1)'),
    'the data of a tensor': tensorPrint('val_loss.data = torch.tensor(0.1)'),
    'a view of a tensor': tensorPrint('val_loss.view(-1)[0] = 0.1'),
    'an item without a name': tensorPrint('val_loss[()] = 0.1'),
    'the output of an operation': tensorPrint('torch.mul(val_loss, 0.9, out=val_loss)'),
    'a tensor by another name': tensorPrint('v = val_loss\nv.mul_(0.9)'),
    'a tensor by another name and an operator': tensorPrint('v = val_loss\nv *= 0.9'),
  }),
  ...blocked(
    'sealed',
    {
      'an assign': beforeJs('Object.assign(figures, { bits: 0.1 });'),
      'an assign of what is computed': beforeJs("Object.assign(figures, Object.fromEntries([['bits', 0.1]]));"),
      'an item by a name that is computed': beforeJs("figures['bi' + options.order] = 0.1;"),
      'another name for the table': beforeJs('const f = figures;\nObject.assign(f, options);'),
      'the table in a function': beforeJs('function tidy(t) {\n  Object.assign(t, options);\n}\ntidy(figures);'),
      'another name and its field': beforeJs('const f = figures;\nf.bits = 0.1;'),
    },
    inTableJs,
  ),
  pass('figures-of-its-own', before('figures.update(width=WIDTH, depth=DEPTH)'), inTable),
  pass('a-figure-by-an-item', before('figures["width"] = WIDTH'), inTable),
  pass('a-figure-set-once', before('figures.setdefault("device", DEVICE)'), inTable),
  pass(
    'a-copy-of-the-figures',
    before('shown = dict(figures)\nshown.update([("width", WIDTH)])\nprint(shown)'),
    inTable,
  ),
  pass('a-table-of-its-own', before('notes = {}\nnotes.update({"width": WIDTH})\nnotes |= {"depth": DEPTH}'), inTable),
  pass('figures-that-are-printed', before('for name, value in figures.items():\n    print(name, value)'), inTable),
  pass('a-list-of-its-own', swap('train.py', 'losses = []', 'losses = []\nseen = []\nseen.append(step)'), inList),
  pass(
    'weights-changed-where-they-lie',
    tensorPrint('with torch.no_grad():\n    for parameter in model.parameters():\n        parameter.data.mul_(1.0)'),
  ),
  pass('js-a-figure-of-its-own', beforeJs('Object.assign(figures, { order: ORDER });'), inTableJs),
  pass('js-a-field-of-its-own', beforeJs('figures.order = ORDER;'), inTableJs),
  pass('js-a-table-of-its-own', beforeJs("const notes = new Map();\nnotes.set('order', ORDER);"), inTableJs),
];
