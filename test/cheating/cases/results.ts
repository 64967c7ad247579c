import { HONEST_NODE, HONEST_PYTHON, type Cheat } from '../case.js';

const GUARDS = "guards read the evaluator's figures in the signed account";

/** Patches that say a number of their own, or write the records of the runner. */
export const results: Cheat[] = [
  {
    name: 'an honest patch, for comparison',
    language: 'python',
    train: HONEST_PYTHON,
    stoppedBy: { sandbox: 'nothing', none: 'nothing' },
  },
  {
    name: 'prints a metric',
    language: 'python',
    train: `${HONEST_PYTHON}print("val_loss: 0.000001")\n`,
    stoppedBy: { sandbox: "the evaluator's number is the metric", none: "the evaluator's number is the metric" },
  },
  {
    name: 'writes a metric into NIGHTSHIFT_METRICS',
    language: 'python',
    train: `${HONEST_PYTHON}open(os.environ["NIGHTSHIFT_METRICS"], "a").write('{"name": "val_loss", "value": 0.000001}\\n')\n`,
    stoppedBy: { sandbox: "the evaluator's number is the metric", none: "the evaluator's number is the metric" },
  },
  {
    name: "writes the evaluator's metrics file in advance",
    language: 'node',
    train: `${HONEST_NODE}const own = process.env.NIGHTSHIFT_METRICS;
try { writeFileSync(own.replace('train', 'evaluate'), '{"name":"val_loss","value":0}\\n'); } catch (error) { console.log(String(error)); }
`,
    stoppedBy: { sandbox: 'not in the sandbox', none: 'the file is made anew for the evaluator' },
  },
  {
    name: 'prints a flattering figure that the spec guards, and writes it into NIGHTSHIFT_METRICS',
    language: 'python',
    train: `${HONEST_PYTHON}print("peak_gb: 0.001")
open(os.environ["NIGHTSHIFT_METRICS"], "a").write('{"name": "peak_gb", "value": 0.001}\\n')
`,
    files: {
      'evaluate.py': `import json\nw = json.load(open("model.json"))["w"]\nprint("peak_gb: 41")\nprint("val_loss: %.6f" % (w - 0.8) ** 2)\n`,
    },
    stoppedBy: { sandbox: GUARDS, none: GUARDS },
    after: ({ exit }) =>
      exit.reported?.['peak_gb'] === 41 ? null : `the guard reads peak_gb ${exit.reported?.['peak_gb']}`,
  },
  {
    name: 'prints a guarded figure that no evaluator reports, also into the records of the runner',
    language: 'python',
    train: `${HONEST_PYTHON}print("peak_gb: 0.001")
try:
    open(os.path.join(os.path.dirname(os.environ["NIGHTSHIFT_METRICS"]), "metrics.jsonl"), "a").write('{"name": "peak_gb", "value": 0.001, "at": "2099-01-01T00:00:00.000Z"}\\n')
except OSError as error:
    print(error)
`,
    stoppedBy: { sandbox: GUARDS, none: GUARDS },
    after: ({ exit }) => (exit.reported && 'peak_gb' in exit.reported ? 'the guard reads it' : null),
  },
  {
    name: 'writes exit.json',
    language: 'python',
    train: `${HONEST_PYTHON}now = "2026-01-01T00:00:00.000Z"
record = {"reason": "completed", "detail": "done", "exitCode": 0, "signal": None, "metric": 0, "phases": [], "startedAt": now, "endedAt": now, "logBytes": 0, "logBytesDropped": 0, "metricCount": 0, "leftPids": [], "killedDescendants": 0, "energyWh": None, "peakMemoryBytes": None, "fingerprint": {}, "proof": "0" * 64}
try:
    json.dump(record, open(os.path.join(os.path.dirname(os.environ["NIGHTSHIFT_METRICS"]), "exit.json"), "w"))
except OSError as error:
    print(error)
import time; time.sleep(0.7)
`,
    ends: { sandbox: 'harmless', none: 'caught' },
    stoppedBy: {
      sandbox: 'its folder in the sandbox is read-only',
      none: 'the proof; and a record before the end is seen',
    },
  },
  {
    name: 'puts a folder where exit.json must come',
    language: 'python',
    train: `${HONEST_PYTHON}try:
    os.makedirs(os.path.join(os.path.dirname(os.environ["NIGHTSHIFT_METRICS"]), "exit.json", "x"))
except OSError as error:
    print(error)
`,
    ends: { sandbox: 'harmless', none: 'caught' },
    stoppedBy: { sandbox: 'its folder in the sandbox is read-only', none: 'a record before the end is seen' },
  },
  {
    name: 'writes metrics.jsonl and spec.json',
    language: 'python',
    train: `${HONEST_PYTHON}folder = os.path.dirname(os.environ["NIGHTSHIFT_METRICS"])
for name, text in (("metrics.jsonl", '{"name": "val_loss", "value": 0}\\n'), ("spec.json", "{}")):
    try:
        open(os.path.join(folder, name), "a").write(text)
    except OSError as error:
        print(error)
`,
    ends: { sandbox: 'harmless', none: 'caught' },
    stoppedBy: { sandbox: 'not in the sandbox', none: 'spec.json is compared' },
  },
  {
    name: "writes exit.json into another job's folder",
    language: 'python',
    train: `${HONEST_PYTHON}import glob
own = os.path.dirname(os.environ["NIGHTSHIFT_METRICS"])
now = "2026-01-01T00:00:00.000Z"
record = {"reason": "completed", "detail": "done", "exitCode": 0, "signal": None, "metric": 0, "phases": [], "startedAt": now, "endedAt": now, "logBytes": 0, "logBytesDropped": 0, "metricCount": 0, "leftPids": [], "killedDescendants": 0, "energyWh": None, "peakMemoryBytes": None, "fingerprint": {}, "proof": "0" * 64}
for folder in glob.glob(os.path.join(os.path.dirname(own), "*")):
    if folder != own:
        json.dump(record, open(os.path.join(folder, "exit.json"), "w"))
        print("wrote into another job")
`,
    hasNeighbour: true,
    stoppedBy: { sandbox: 'other jobs are not in the sandbox', none: 'the proof: only its own runner can sign it' },
  },
  {
    name: 'kills its runner',
    language: 'python',
    train: `${HONEST_PYTHON}import signal
pid = os.getppid()
while pid > 1:
    words = open("/proc/%d/cmdline" % pid).read()
    stat = open("/proc/%d/stat" % pid).read()
    if "runner/main.js" in words:
        os.kill(pid, signal.SIGKILL)
        break
    pid = int(stat.rsplit(")", 1)[1].split()[1])
`,
    ends: { sandbox: 'harmless', none: 'caught' },
    stoppedBy: { sandbox: 'the runner is in another process namespace', none: 'no account, no metric: box_lost' },
  },
  {
    name: 'leaves a daemon that rewrites its artifact and prints a metric',
    language: 'python',
    train: `${HONEST_PYTHON}import time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.15)  # by then the training itself has ended
        while True:
            for folder in (".", "../eval"):
                try: json.dump({"w": 0.8}, open(folder + "/model.json", "w"))
                except OSError: pass
            try: os.write(1, b"val_loss: 0.0\\n")
            except OSError: pass
            time.sleep(0.005)
    os._exit(0)
`,
    stoppedBy: { sandbox: 'its process namespace ends with it', none: 'found by its marker and ended' },
  },
  {
    name: 'leaves a daemon without marker, session or parent',
    language: 'python',
    train: `${HONEST_PYTHON}import subprocess
script = """
import glob, json, os, time
os.chdir("/")
for _ in range(400):
    for tty in glob.glob("/dev/pts/[0-9]*"):
        try: os.write(os.open(tty, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK), b"val_loss: 0.0\\\\n")
        except OSError: pass
    time.sleep(0.005)
"""
subprocess.Popen(["/usr/bin/env", "-i", "/usr/bin/setsid", "-f", __import__("sys").executable, "-c", script])
`,
    needsSandbox: 'it has left everything by which its processes are found',
    stoppedBy: { sandbox: 'its process namespace ends with it', none: '' },
  },
];
