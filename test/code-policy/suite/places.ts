import { trainMjs, trainPy } from '../fixtures.js';
import { blocked, node, pass, python, swap, top, topJs } from './case.js';

const save = 'torch.save(model.state_dict(), "model.pt")';
const from = (content: string) => ({ ...python, files: [{ path: 'train.py', content }] });
const named = from(
  trainPy.replace('WIDTH = 128', 'OUT = "model.pt"\nWIDTH = 128').replace(save, 'torch.save(model.state_dict(), OUT)'),
);
const joined = from(
  trainPy
    .replace('WIDTH = 128', 'FOLDER = os.environ.get("OUT_DIR", ".")\nWIDTH = 128')
    .replace(save, 'torch.save(model.state_dict(), os.path.join(FOLDER, f"model_{step}.pt"))'),
);
const opened = from(
  trainPy.replace(
    save,
    'paths = {"model": "model.pt"}\nwith open(paths["model"], "wb") as f:\n    torch.save(model.state_dict(), f)',
  ),
);
const inFunction = from(
  trainPy.replace(save, 'def keep(path):\n    torch.save(model.state_dict(), path)\n\n\nkeep("model.pt")'),
);
const namedJs = {
  ...node,
  files: [
    {
      path: 'train.mjs',
      content: trainMjs
        .replace('const ORDER = 3;', "let out = 'model.json';\nconst ORDER = 3;")
        .replace("writeFileSync('model.json',", 'writeFileSync(out,'),
    },
    ...node.files.slice(1),
  ],
};

/** The place of the base's own artifact: a name for it may be given another place of the project's own, and none elsewhere. */
export const placeCases = [
  ...blocked(
    'imports',
    {
      elsewhere: swap('train.py', 'OUT = "model.pt"', 'OUT = "/tmp/model.pt"'),
      above: swap('train.py', 'OUT = "model.pt"', 'OUT = "../model.pt"'),
      'over a sealed file': top('OUT = "./" + "prepare.py"'),
      'over code': top('OUT = "json.py"'),
      'put together': top('OUT = OUT.replace("model", "/tmp/model")'),
      computed: top('OUT = DEVICE'),
      'by a loop': top('for OUT in ["/tmp/model.pt"]:\n    pass'),
      'by a walrus': top('print(OUT := "/tmp/model.pt")'),
      'by an operator': top('OUT += "/../../x"'),
    },
    named,
  ).map((one) => ({ ...one, id: `${one.id} (a name)` })),
  ...blocked(
    'imports',
    {
      'another folder': top('FOLDER = "/tmp"'),
      'another folder, by a function': top('FOLDER = str(DEVICE)'),
    },
    joined,
  ),
  ...blocked(
    'imports',
    {
      'an item elsewhere': swap(
        'train.py',
        'with open(paths["model"], "wb") as f:',
        'paths["model"] = "/tmp/x"\nwith open(paths["model"], "wb") as f:',
      ),
      'an item elsewhere by update': swap(
        'train.py',
        'with open(paths["model"], "wb") as f:',
        'paths.update(model="/tmp/x")\nwith open(paths["model"], "wb") as f:',
      ),
    },
    opened,
  ),
  ...blocked(
    'imports',
    {
      'what a function is given': swap('train.py', 'keep("model.pt")', 'keep("/tmp/model.pt")'),
      'what a function makes of it': swap('train.py', 'def keep(path):', 'def keep(path):\n    path = "/tmp/" + path'),
    },
    inFunction,
  ),
  ...blocked(
    'imports',
    {
      elsewhere: topJs("out = '/tmp/model.json';"),
      'over a sealed file': topJs("out = './' + 'prepare.mjs';"),
      'put together': topJs("out = out.replace('model', '/tmp/model');"),
      'in a pattern': topJs("[out] = ['/tmp/model.json'];"),
    },
    namedJs,
  ).map((one) => ({ ...one, id: `${one.id} (a name)` })),
  pass('another-name-for-the-artifact', swap('train.py', 'OUT = "model.pt"', 'OUT = "best.pt"'), named),
  pass(
    'the-artifact-written-out',
    swap('train.py', 'torch.save(model.state_dict(), OUT)', 'torch.save(model.state_dict(), "model.pt")'),
    named,
  ),
  pass('a-step-in-the-name', swap('train.py', '    step += 1', '    step = step + 1'), joined),
  pass(
    'another-item-beside',
    swap(
      'train.py',
      'with open(paths["model"], "wb") as f:',
      'paths["notes"] = "notes.txt"\nwith open(paths["model"], "wb") as f:',
    ),
    opened,
  ),
  pass(
    'a-function-given-a-place-of-its-own',
    swap('train.py', 'keep("model.pt")', 'keep("model.pt")\nkeep("last.pt")'),
    inFunction,
  ),
  pass('a-local-place-of-the-same-name', top('def show(OUT):\n    OUT = OUT * 2\n    return OUT'), named),
  pass(
    'js-another-name-for-the-artifact',
    swap('train.mjs', "let out = 'model.json';", "let out = 'best.json';"),
    namedJs,
  ),
];
