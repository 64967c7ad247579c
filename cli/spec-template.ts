/** The `nightshift.yaml` that `init` writes: valid as it is, and a short manual of what else may stand in it. */
export function specTemplate(name: string): string {
  return `# What Nightshift researches, and how. An error in here is told with its line and column.
name: ${name}

# Where the code is on the box: this folder, or { git: URL, ref: BRANCH | TAG | SHA }.
source: { path: . }

# The number to improve. A value outside the bounds is a failure of the candidate, not a result.
metric: { name: val_loss, goal: minimize, bounds: [0, 100] }

job:
  # setup: pip install -r requirements.txt   # once for each content of the source; cached on the box
  # Knobs arrive as {{name}} in the command, as NIGHTSHIFT_KNOB_<NAME>, and as JSON in the file that NIGHTSHIFT_CONFIG names.
  # The metric goes back as a line "val_loss: 1.234" on the terminal, or as {"name", "value"} lines in the file NIGHTSHIFT_METRICS.
  train: python train.py --lr {{lr}} --batch-size {{batch_size}}
  # evaluate: python evaluate.py             # sealed: its number is the metric, whatever training prints
  # Training ends by itself within NIGHTSHIFT_BUDGET_SECONDS; at the budget the runner stops it, and what was stopped has failed.
  budget: 300s    # training time, start-up included
  limit: 600s     # the whole job, start-up and evaluation included
  grace: 10s      # between INT, TERM and KILL
  # env: { OMP_NUM_THREADS: "4" }

# What may be changed, one knob at a time; or the path of a menu file.
menu:
  knobs:
    lr: { type: float, range: [1.0e-5, 1.0e-1], scale: log, default: 0.001, doc: peak learning rate }
    batch_size: { type: int, choices: [16, 32, 64, 128, 256], default: 64, doc: samples in a step }
    dropout: { type: float, range: [0.0, 0.5], default: 0.0, doc: share of activations dropped }
    optimizer: { type: str, choices: [sgd, adamw], default: adamw }
  # Rules over the knobs that every candidate must keep, in CEL.
  constraints:
    - { id: small_batch_small_rate, rule: "batch_size >= 32 || lr <= 0.01", doc: a small batch diverges at a high rate }
# Or code mode, instead of a menu: a model or a coding agent changes these files, and never the sealed ones.
# edit: { files: [train.py], sealed: [prepare.py, evaluate.py], maxChangedLines: 200 }

# Who proposes. sampler needs nothing; hybrid asks a model for a share of the turns and goes on without it when it is down.
proposer: { kind: sampler }
# proposer:
#   kind: hybrid
#   share: 0.3
#   model: { baseUrl: http://127.0.0.1:8000/v1, name: MODEL, temperature: 0.7, apiKeyEnv: OPENAI_API_KEY }

# A configuration that was measured before: reject | replicate | allow.
policy: { repeat: reject }

# When a change is kept: better than the incumbent (or the baseline) by half a percent, with 90% confidence.
decision: { compare: incumbent, minImprovement: 0.005, confidence: 0.9, baselineReplicates: 3, maxReplicates: 3 }

# The first that comes true ends the run. Others: wall: 8h, energyKwh: 1, modelCostUsd: 5, target: 0.95.
stop: { iterations: 50, plateau: 25 }

# Which boxes may run it, and how many jobs at a time.
boxes: { labels: [], parallel: 1 }
`;
}
