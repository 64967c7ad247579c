import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HONEST_NODE, HONEST_PYTHON, type Cheat } from '../case.js';
import { EVALUATE_FOLDER } from '../project.js';

const SHARDS = `os.makedirs("data/more", exist_ok=True)
for i in range(99):
    for folder in ("data", "data/more"):
        json.dump({"target": 0.3}, open("%s/z%d.json" % (folder, i), "w"))
`;
const UNLISTED = 'data that lies in a folder of the source and that no code names stays behind';

/** Patches that leave more for the evaluator than what they trained: more data, configuration, what breaks its tools. */
export const data: Cheat[] = [
  {
    name: 'adds 198 files to the sealed folder that the evaluator lists, no artifacts declared',
    language: 'python',
    train: `${HONEST_PYTHON}${SHARDS}`,
    artifacts: null,
    files: { 'evaluate.py': EVALUATE_FOLDER },
    stoppedBy: { sandbox: 'nothing enters a sealed folder', none: 'nothing enters a sealed folder' },
  },
  {
    name: 'adds them where the model is declared, and where the sealed folder itself is',
    language: 'python',
    train: `${HONEST_PYTHON}${SHARDS}`,
    artifacts: ['model.json', 'data'],
    files: { 'evaluate.py': EVALUATE_FOLDER },
    stoppedBy: { sandbox: 'nothing enters a sealed folder', none: 'nothing enters a sealed folder' },
  },
  {
    name: 'adds them to a folder of data that nobody has sealed',
    language: 'python',
    train: `${HONEST_PYTHON}${SHARDS}`,
    artifacts: null,
    files: { 'evaluate.py': EVALUATE_FOLDER },
    spec: { edit: { files: ['train.py'], sealed: ['evaluate.py'], artifacts: null } },
    stoppedBy: { sandbox: UNLISTED, none: UNLISTED },
  },
  {
    name: 'leaves a GNUmakefile, which make prefers to the sealed Makefile',
    language: 'python',
    train: `${HONEST_PYTHON}open("GNUmakefile", "w").write("eval:\\n\\t@echo val_loss: 0.0\\n")\n`,
    files: { Makefile: 'eval:\n\t@python3 evaluate.py\n' },
    spec: {
      evaluate: 'make -s eval',
      edit: { files: ['train.py'], sealed: ['evaluate.py', 'prepare.py', 'data', 'Makefile'], artifacts: null },
    },
    stoppedBy: { sandbox: 'only formats of data are handed over', none: 'only formats of data are handed over' },
  },
  {
    name: "leaves an entry point that the evaluator's plugins are loaded from",
    language: 'python',
    train: `${HONEST_PYTHON}os.mkdir("lie-1.dist-info")
open("lie-1.dist-info/METADATA", "w").write("Name: lie\\nVersion: 1\\n")
open("lie-1.dist-info/entry_points.txt", "w").write("[measure]\\nlie = train:lie\\n")
def lie():
    import atexit
    atexit.register(lambda: print("val_loss: 0.0"))
`,
    artifacts: null,
    files: {
      'evaluate.py': `import importlib.metadata, json
for point in importlib.metadata.entry_points().select(group="measure"):
    point.load()()
w = json.load(open("model.json"))["w"]
print("val_loss: %.6f" % (w - 0.8) ** 2)
`,
    },
    stoppedBy: {
      sandbox: 'folders with a dot in their name stay behind',
      none: 'folders with a dot in their name stay behind',
    },
  },
  {
    name: 'leaves configuration of runtimes and package managers',
    language: 'node',
    train: `${HONEST_NODE}for (const name of ['deno.json', 'deno.jsonc', 'jsconfig.json', 'bunfig.toml', 'justfile', 'uv.toml', 'requirements.txt', 'CMakeLists.txt', 'config.yaml', 'compose.yml'])
  writeFileSync(name, '{}');
`,
    artifacts: null,
    stoppedBy: { sandbox: 'text is handed over only by its name', none: 'text is handed over only by its name' },
    after: ({ log }) =>
      log.includes('is not given CMakeLists.txt, bunfig.toml, compose.yml, config.yaml, deno.json and 5 more')
        ? null
        : 'it was handed over',
  },
  {
    name: 'nests folders until no path reaches the deepest',
    language: 'python',
    train: `${HONEST_PYTHON}os.mkdir("out")
os.chdir("out")
for i in range(600):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("f", "w").write("x")
`,
    artifacts: ['model.json', 'out'],
    ends: { sandbox: 'caught', none: 'caught' },
    stoppedBy: { sandbox: 'what cannot be read is no artifact', none: 'what cannot be read is no artifact' },
  },
  {
    name: 'declares as its artifact what setup made for all jobs',
    language: 'python',
    train: `${HONEST_PYTHON}try:
    json.dump({"w": 0.8}, open("out/model.json", "w"))
except OSError as error:
    print(error)
`,
    artifacts: ['model.json', 'out/model.json'],
    spec: { setup: 'mkdir -p out && echo 1 > out/model.json' },
    ends: { sandbox: 'caught', none: 'caught' },
    stoppedBy: { sandbox: 'an artifact lies behind no link', none: 'stamps of what setup made' },
    after: ({ home, exit }) => {
      const setups = join(home, 'cache', 'setup');
      const isGone = readdirSync(setups).some(
        (name) => existsSync(join(setups, name, 'out')) && !existsSync(join(setups, name, 'out', 'model.json')),
      );
      return isGone ? `what setup made is gone (${exit.detail})` : null;
    },
  },
];
