// One file on purpose: what people write, what a run keeps, and the way from one to the other are read and changed together.
import { z } from 'zod';
import { MAX_ARCHIVE_BYTES } from './archive.js';
import { knownKeys } from './closest-key.js';
import { AppError, type FieldError } from './errors.js';
import { fieldErrors } from './field-errors.js';
import { menuInputSchema, parseMenu, type Menu } from './menu.js';
import { unstorableText } from './storable-text.js';
import { duration, parseDurationMs } from './units.js';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'needs 1 to 63 letters, digits, . _ or -, starting with a letter or digit');
const command = z.string().min(1, 'must not be empty').max(10_000);
const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not an environment variable name');
// ASCII, nothing before or after: what a URL parser would trim or rewrite is refused, so that the JSON Schema can say the same.
const httpUrl = z
  .string()
  .regex(/^https?:\/\/[A-Za-z0-9[][\w.~:/?#[\]@!$&'()*+,;=%-]*$/, {
    error: 'needs a URL in ASCII without blanks, such as http://127.0.0.1:8000/v1',
    abort: true,
  })
  .refine((text) => URL.canParse(text), 'needs a URL such as http://127.0.0.1:8000/v1')
  .meta({ format: 'uri' });
const fraction = z.number().min(0).max(1);

const modelSchema = z.strictObject({
  baseUrl: httpUrl.describe('an OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1'),
  name: z.string().min(1).max(200).describe('what the endpoint calls the model'),
  temperature: z.number().min(0).max(2).optional().describe('of its answers (default 0.7)'),
  maxTokens: z.number().int().min(16).max(100_000).optional().describe('of one answer (default 1024)'),
  contextTokens: z
    .number()
    .int()
    .min(1024)
    .max(2_000_000)
    .optional()
    .describe('how much prompt the model takes (default 8192)'),
  timeout: duration.optional().describe('for one call (default 120s)'),
  apiKeyEnv: envName.optional().describe("variable of the control plane's environment that holds the key"),
  inputUsdPerMillion: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('price of a million prompt tokens, for stop.modelCostUsd (default none)'),
  outputUsdPerMillion: z
    .number()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('price of a million answered tokens (default none)'),
});

/** `nightshift.yaml` as people write it. Its JSON Schema is published as protocol/spec.schema.json. */
export const specInputSchema = z.strictObject({
  name: name.describe('the project'),
  source: z
    .union([
      z.strictObject({ path: z.string().min(1).describe('a folder on the box; relative to this file') }),
      z.strictObject({
        git: z.string().min(1).describe('a repository URL'),
        ref: z.string().min(1).optional().describe('branch, tag or commit; the default branch when left out'),
      }),
      z.strictObject({
        archive: z
          .string()
          .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
          .describe('an uploaded working tree: `nightshift run --upload` writes this'),
        size: z.number().int().min(1).max(MAX_ARCHIVE_BYTES).describe('its bytes'),
        commit: z
          .string()
          .regex(/^[0-9a-f]{40}$/, 'must be a commit id')
          .optional()
          .describe('the commit whose files these are'),
        prefix: z
          .string()
          .max(1000)
          .regex(/^(?:[^/\\\0]+\/)+$/, 'must be folders, each followed by a slash')
          .optional()
          .describe('where they stand in the repository of that commit, such as sub/dir/; its top when left out'),
      }),
    ])
    .optional()
    .describe('where the code is; this folder when left out'),
  metric: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z_][\w./-]{0,99}$/, 'needs a metric name: letters, digits, _ . / -')
        .describe('as the evaluator reports it, or training where there is none'),
      goal: z.enum(['minimize', 'maximize']).describe('which way is better'),
      bounds: z
        .tuple([z.number(), z.number()], 'needs two numbers: [low, high]')
        .refine(([low, high]) => low < high, 'low must be below high')
        .optional()
        .describe('a value outside is a failure of the candidate, not a result'),
    })
    .describe('what is made better'),
  job: z
    .strictObject({
      setup: command.optional().describe('run once for each content of the source; cached on the box'),
      train: command.describe(
        'a shell command; {{knob}} is replaced, and knobs arrive as NIGHTSHIFT_CONFIG and NIGHTSHIFT_KNOB_<NAME>',
      ),
      evaluate: command.optional().describe('sealed: its number is the metric'),
      budget: duration
        .optional()
        .describe(
          'training time, kept by the runner: a script ends by itself within NIGHTSHIFT_BUDGET_SECONDS, or has failed (default 300s)',
        ),
      limit: duration
        .optional()
        .describe('the whole job, start-up and evaluation included (default twice the budget plus 60s)'),
      grace: duration.optional().describe('between INT, TERM and KILL (default 10s)'),
      env: z.record(envName, z.string().max(10_000)).optional().describe('environment variables for the job'),
    })
    .describe('how one candidate is trained and measured'),
  menu: z
    .union([menuInputSchema, z.string().min(1).describe('path of a menu file')])
    .optional()
    .describe('menu mode: what may be changed'),
  edit: z
    .strictObject({
      files: z.array(z.string().min(1)).min(1).max(50).describe('the files that a patch may change'),
      sealed: z
        .array(z.string().min(1))
        .max(200)
        .optional()
        .describe('files that are restored and hashed before the evaluator runs'),
      artifacts: z
        .array(z.string().min(1))
        .max(50)
        .optional()
        .describe(
          'what training leaves for the evaluator, such as model.pt; when left out new files of data that the evaluator names or that lie beside nothing of the source',
        ),
      maxChangedLines: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .optional()
        .describe('lines that one patch may add and remove (default 200)'),
      allow: z
        .array(z.string().min(1).max(100))
        .max(100)
        .optional()
        .describe('modules and primitives that a patch may newly use'),
      repairs: z
        .number()
        .int()
        .min(0)
        .max(5)
        .optional()
        .describe('times a crash that looks like a slip goes back to the model (default 2)'),
      probe: duration.optional().describe('a short run before the full budget that catches slips (default off)'),
      share: fraction.optional().describe('share of the turns that patches get when there is a menu too (default 0.5)'),
    })
    .optional()
    .describe('code mode: which files may be changed'),
  proposer: z
    .strictObject({
      kind: z
        .enum(['hybrid', 'sampler', 'random', 'model', 'external'])
        .optional()
        .describe('external: only what is handed in is measured (default hybrid with a model, else sampler)'),
      share: fraction.optional().describe("the model's share of the turns in hybrid (default 0.3)"),
      model: modelSchema.optional().describe('who proposes in hybrid and model; needed for kind: model'),
      critic: modelSchema
        .optional()
        .describe('a second model that may veto a proposal with a reason; it never overrides a rail'),
      ladder: z
        .strictObject({
          after: z
            .number()
            .int()
            .min(1)
            .max(1000)
            .optional()
            .describe('measured iterations without a keep before the next step (default 8)'),
          models: z.array(modelSchema).min(1).max(10).describe('stronger models, in order; the way is one-way'),
        })
        .optional()
        .describe('stronger models for a run that is stuck (default off)'),
      reflect: z
        .enum(['off', 'propose', 'adopt'])
        .optional()
        .describe(
          'after a plateau the model proposes new strategy notes: off, for approval, or taken over at once (default off)',
        ),
    })
    .optional()
    .describe('who proposes'),
  policy: z
    .strictObject({
      repeat: z
        .enum(['reject', 'replicate', 'allow'])
        .optional()
        .describe(
          'a configuration that was measured is blocked, measured once more as the same one, or anew (default reject)',
        ),
    })
    .optional()
    .describe('what the gate lets pass'),
  guard: z
    .array(
      z
        .strictObject({
          name: z
            .string()
            .regex(/^[A-Za-z_][\w./-]{0,99}$/, 'needs a metric name: letters, digits, _ . / -')
            .describe('a metric that the job reports beside the first'),
          max: z.number().optional().describe('it may not be above'),
          min: z.number().optional().describe('it may not be below'),
          maxRegression: fraction.optional().describe('how much worse than the comparator it may be, as a fraction'),
          goal: z
            .enum(['minimize', 'maximize'])
            .optional()
            .describe('which way is better, for maxRegression (default minimize)'),
        })
        .refine(
          (guard) => guard.max !== undefined || guard.min !== undefined || guard.maxRegression !== undefined,
          'needs max, min or maxRegression',
        ),
    )
    .max(20)
    .optional()
    .describe('other metrics that a kept candidate must not worsen'),
  fidelity: z
    .strictObject({
      earlyStop: z
        .strictObject({
          metric: z
            .string()
            .regex(/^[A-Za-z_][\w./-]{0,99}$/)
            .describe('the metric that training reports on its way'),
          goal: z.enum(['minimize', 'maximize']).optional().describe("which way is better (default the run's)"),
          after: fraction.optional().describe('share of the budget before which nothing is stopped (default 0.3)'),
          rule: z
            .enum(['median', 'envelope'])
            .optional()
            .describe('worse than the median of earlier curves, or than all that were kept (default envelope)'),
        })
        .optional()
        .describe('gives a training up when its curve is hopeless (default off)'),
      screen: z
        .strictObject({
          budget: duration.describe(
            'a new candidate is first trained this long, and given up when it is hopeless there',
          ),
          margin: fraction
            .optional()
            .describe('how much worse than its comparator it may be there, beyond noise, as a fraction (default 0)'),
          after: z
            .number()
            .int()
            .min(5)
            .max(1000)
            .optional()
            .describe('candidates measured at both budgets before one may be given up (default 5)'),
        })
        .optional()
        .describe('cheap screening before the full budget (default off)'),
    })
    .optional()
    .describe('spending less on candidates without hope'),
  health: z
    .strictObject({
      act: z.boolean().optional().describe('whether a health verdict acts (default true)'),
      pauseAfter: z
        .number()
        .int()
        .min(1)
        .optional()
        .describe('pause and notify after so many actions in a row that did not help (default never)'),
    })
    .optional()
    .describe('what follows from a search that is not well'),
  decision: z
    .strictObject({
      compare: z
        .enum(['incumbent', 'baseline'])
        .optional()
        .describe('what a candidate is compared with (default incumbent)'),
      minImprovement: fraction
        .optional()
        .describe('a fraction of the comparator: 0.005 is half a percent (default 0.005)'),
      confidence: z
        .number()
        .min(0.5)
        .max(0.9999)
        .optional()
        .describe('0.9: at most 0.1 false keeps are expected in the whole run (default 0.9)'),
      baselineReplicates: z
        .number()
        .int()
        .min(1)
        .max(50)
        .optional()
        .describe('measurements of the baseline, from which the noise is known (default 3)'),
      maxReplicates: z
        .number()
        .int()
        .min(1)
        .max(50)
        .optional()
        .describe('measurements of one candidate at most (default 3)'),
      confirm: z
        .number()
        .int()
        .min(0)
        .max(50)
        .optional()
        .describe(
          'measurements of the incumbent, and as many of the baseline, after the search: on them the report rests (default 2; 0: none)',
        ),
      stack: z
        .boolean()
        .optional()
        .describe(
          'knobs: a change may stand on the measured configuration that is believed best, proven or not (default true)',
        ),
      simplicity: fraction.optional().describe('code mode: relative gain that one added line must bring (default 0)'),
    })
    .optional()
    .describe('when a candidate is kept'),
  stop: z
    .strictObject({
      iterations: z
        .number()
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe('iterations at most; cancelled ones do not count (default 50 without a wall, else none)'),
      wall: duration.optional().describe('time since the run began (default none)'),
      energyKwh: z.number().positive().optional().describe('energy of the GPUs (default none)'),
      modelCostUsd: z.number().positive().optional().describe('what the model calls cost (default none)'),
      target: z.number().optional().describe('stop when the configuration last kept is this good'),
      plateau: z.number().int().min(1).optional().describe('stop after so many measured iterations without a keep'),
    })
    .optional()
    .describe('when the search is over: at the first of these'),
  boxes: z
    .strictObject({
      labels: z.array(z.string().min(1).max(63)).max(20).optional().describe('a box needs all of them'),
      parallel: z.number().int().min(1).max(1000).optional().describe('jobs of this run at a time (default 1)'),
    })
    .optional()
    .describe('where jobs run'),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .optional()
    .describe('seeds the sampler and the jobs (default 0)'),
});
export type SpecInput = z.input<typeof specInputSchema>;

export interface ModelSpec {
  baseUrl: string;
  name: string;
  temperature: number;
  maxTokens: number;
  contextTokens: number;
  timeoutMs: number;
  apiKeyEnv: string | null;
  inputUsdPerMillion: number | null;
  outputUsdPerMillion: number | null;
}

export interface GuardSpec {
  name: string;
  max: number | null;
  min: number | null;
  maxRegression: number | null;
  goal: 'minimize' | 'maximize';
}

/** A checked spec with every default filled in and every duration in milliseconds: what a run keeps as its snapshot. */
export interface Spec {
  name: string;
  source:
    | { kind: 'path'; path: string }
    | { kind: 'git'; url: string; ref: string | null }
    | { kind: 'archive'; id: string; size: number; commit: string | null; prefix?: string | undefined };
  metric: { name: string; goal: 'minimize' | 'maximize'; bounds: [number, number] | null };
  job: {
    setup: string | null;
    train: string;
    evaluate: string | null;
    budgetMs: number;
    limitMs: number;
    graceMs: number;
    env: Record<string, string>;
  };
  menu: Menu | null;
  edit: {
    files: string[];
    sealed: string[];
    artifacts: string[] | null;
    maxChangedLines: number;
    allow: string[];
    repairs: number;
    probeMs: number | null;
    share: number;
  } | null;
  proposer: {
    kind: 'hybrid' | 'sampler' | 'random' | 'model' | 'external';
    share: number;
    model: ModelSpec | null;
    critic: ModelSpec | null;
    ladder: { after: number; models: ModelSpec[] } | null;
    reflect: 'off' | 'propose' | 'adopt';
  };
  policy: { repeat: 'reject' | 'replicate' | 'allow' };
  guard: GuardSpec[];
  fidelity: {
    earlyStop: { metric: string; goal: 'minimize' | 'maximize'; after: number; rule: 'median' | 'envelope' } | null;
    /** Null, or left out in runs from before it: every candidate gets the full budget at once. */
    screen?: { budgetMs: number; margin: number; after: number } | null | undefined;
  };
  health: { act: boolean; pauseAfter: number | null };
  decision: {
    compare: 'incumbent' | 'baseline';
    minImprovement: number;
    confidence: number;
    baselineReplicates: number;
    maxReplicates: number;
    /** Left out in runs from before it: 0. */
    confirm?: number | undefined;
    /** Left out in runs from before it: false. */
    stack?: boolean | undefined;
    simplicity: number;
  };
  stop: {
    iterations: number | null;
    wallMs: number | null;
    energyKwh: number | null;
    modelCostUsd: number | null;
    target: number | null;
    plateau: number | null;
  };
  boxes: { labels: string[]; parallel: number };
  seed: number;
  /** Code mode, a rewind: the run and the iteration (0: its baseline) whose code and knobs this run's baseline has. */
  startsFrom?: { runId: string; iteration: number } | undefined;
}

/** Above half of the budget even a screening that gives up every second candidate costs as much as it saves. */
const MOST_SCREEN_SHARE = 0.5;
/** One timer waits for an answer, and a timer takes no more than 24 days. */
const MAX_MODEL_TIMEOUT_MS = 86_400_000;

const KEYS = [
  ...knownKeys(specInputSchema.shape),
  ...['path', 'git', 'ref', 'archive'].map((key) => `source.${key}`),
  ...['knobs', 'constraints', 'cross_constraints'].map((key) => `menu.${key}`),
  ...['type', 'range', 'choices', 'scale', 'default'].map((key) => `menu.knobs.*.${key}`),
  'menu.constraints.rule',
];

/**
 * Checks a spec whose menu is inline (a path has been read by the caller) and fills in the defaults.
 * @throws AppError `invalid_spec` naming every key that is wrong and what it needs.
 */
export function parseSpec(input: unknown): Spec {
  const unstorable = unstorableText(input);
  if (unstorable.length > 0) throw invalid(unstorable);
  const parsed = specInputSchema.safeParse(input);
  if (!parsed.success) throw invalid(fieldErrors(parsed.error, KEYS));
  const spec = parsed.data;
  const errors: FieldError[] = [];
  let menu: Menu | null = null;
  if (typeof spec.menu === 'string')
    errors.push({ path: 'menu', message: 'a path can only be read where the file is: send the menu itself' });
  else if (spec.menu !== undefined) {
    try {
      menu = parseMenu(spec.menu);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      for (const e of error.errors ?? []) errors.push({ ...e, path: e.path === '' ? 'menu' : `menu.${e.path}` });
    }
  }
  if (spec.menu === undefined && spec.edit === undefined)
    errors.push({ path: '', message: 'needs a menu (menu mode) or edit (code mode): what may be changed' });
  const budgetMs = ms(spec.job.budget, 300_000);
  const limitMs = ms(spec.job.limit, budgetMs * 2 + 60_000);
  if (budgetMs <= 0) errors.push({ path: 'job.budget', message: 'must be more than 0' });
  const screen = spec.fidelity?.screen;
  if (screen && !(ms(screen.budget, 0) > 0 && ms(screen.budget, 0) <= budgetMs * MOST_SCREEN_SHARE))
    errors.push({
      path: 'fidelity.screen.budget',
      message: `must be more than 0 and at most half of job.budget (${spec.job.budget ?? '300s'}): what costs more saves nothing`,
    });
  if (spec.edit?.probe !== undefined && ms(spec.edit.probe, 0) <= 0)
    errors.push({ path: 'edit.probe', message: 'must be more than 0; leave it out for no probe' });
  for (const [path, model] of modelsOf(spec.proposer)) {
    const timeoutMs = ms(model.timeout, 120_000);
    if (timeoutMs <= 0 || timeoutMs > MAX_MODEL_TIMEOUT_MS)
      errors.push({ path: `${path}.timeout`, message: 'must be more than 0 and at most 24h' });
  }
  if (limitMs < budgetMs)
    errors.push({
      path: 'job.limit',
      message: `is the limit of the whole job: it cannot be below the budget (${spec.job.budget ?? '300s'})`,
    });
  for (const [key, text] of [
    ['train', spec.job.train],
    ['evaluate', spec.job.evaluate],
  ] as const) {
    for (const match of (text ?? '').matchAll(/\{\{\s*([^}]*?)\s*\}\}/g)) {
      if (menu && match[1] !== undefined && !Object.hasOwn(menu.knobs, match[1]))
        errors.push({
          path: `job.${key}`,
          message: `{{${match[1]}}} is no knob of the menu (${Object.keys(menu.knobs).join(', ')})`,
        });
    }
  }
  const kind = spec.proposer?.kind ?? (spec.proposer?.model ? 'hybrid' : 'sampler');
  if (spec.proposer?.ladder && !spec.proposer.model)
    errors.push({ path: 'proposer.ladder', message: 'begins at proposer.model, which is missing' });
  if (kind === 'model' && !spec.proposer?.model)
    errors.push({ path: 'proposer.model', message: 'kind: model needs model: { baseUrl, name }' });
  if (errors.length > 0) throw invalid(errors);
  const { source, proposer, decision, stop } = spec;
  return {
    name: spec.name,
    source: sourceOf(source),
    metric: { ...spec.metric, bounds: spec.metric.bounds ?? null },
    job: {
      setup: spec.job.setup ?? null,
      train: spec.job.train,
      evaluate: spec.job.evaluate ?? null,
      budgetMs,
      limitMs,
      graceMs: ms(spec.job.grace, 10_000),
      env: spec.job.env ?? {},
    },
    menu,
    edit: spec.edit
      ? {
          files: spec.edit.files,
          sealed: spec.edit.sealed ?? [],
          artifacts: spec.edit.artifacts ?? null,
          maxChangedLines: spec.edit.maxChangedLines ?? 200,
          allow: spec.edit.allow ?? [],
          repairs: spec.edit.repairs ?? 2,
          probeMs: spec.edit.probe === undefined ? null : ms(spec.edit.probe, 0),
          share: spec.edit.share ?? 0.5,
        }
      : null,
    proposer: {
      kind,
      share: proposer?.share ?? 0.3,
      model: proposer?.model ? modelOf(proposer.model) : null,
      critic: proposer?.critic ? modelOf(proposer.critic) : null,
      ladder: proposer?.ladder
        ? { after: proposer.ladder.after ?? 8, models: proposer.ladder.models.map(modelOf) }
        : null,
      reflect: proposer?.reflect ?? 'off',
    },
    policy: { repeat: spec.policy?.repeat ?? 'reject' },
    guard: (spec.guard ?? []).map((guard) => ({
      name: guard.name,
      max: guard.max ?? null,
      min: guard.min ?? null,
      maxRegression: guard.maxRegression ?? null,
      goal: guard.goal ?? 'minimize',
    })),
    fidelity: {
      earlyStop: spec.fidelity?.earlyStop
        ? {
            metric: spec.fidelity.earlyStop.metric,
            goal: spec.fidelity.earlyStop.goal ?? spec.metric.goal,
            after: spec.fidelity.earlyStop.after ?? 0.3,
            rule: spec.fidelity.earlyStop.rule ?? 'envelope',
          }
        : null,
      screen: screen ? { budgetMs: ms(screen.budget, 0), margin: screen.margin ?? 0, after: screen.after ?? 5 } : null,
    },
    health: { act: spec.health?.act ?? true, pauseAfter: spec.health?.pauseAfter ?? null },
    decision: {
      compare: decision?.compare ?? 'incumbent',
      minImprovement: decision?.minImprovement ?? 0.005,
      confidence: decision?.confidence ?? 0.9,
      baselineReplicates: decision?.baselineReplicates ?? 3,
      maxReplicates: decision?.maxReplicates ?? 3,
      confirm: decision?.confirm ?? 2,
      stack: decision?.stack ?? true,
      simplicity: decision?.simplicity ?? 0,
    },
    stop: {
      iterations: stop?.iterations ?? (stop?.wall === undefined ? 50 : null),
      wallMs: stop?.wall === undefined ? null : ms(stop.wall, 0),
      energyKwh: stop?.energyKwh ?? null,
      modelCostUsd: stop?.modelCostUsd ?? null,
      target: stop?.target ?? null,
      plateau: stop?.plateau ?? null,
    },
    boxes: { labels: spec.boxes?.labels ?? [], parallel: spec.boxes?.parallel ?? 1 },
    seed: spec.seed ?? 0,
  };
}

function modelsOf(proposer: z.output<typeof specInputSchema>['proposer']): [string, z.output<typeof modelSchema>][] {
  return [
    ['proposer.model', proposer?.model] as const,
    ['proposer.critic', proposer?.critic] as const,
    ...(proposer?.ladder?.models ?? []).map((model, i) => [`proposer.ladder.models.${i}`, model] as const),
  ].flatMap(([path, model]) => (model === undefined ? [] : [[path, model]]));
}

function sourceOf(source: z.output<typeof specInputSchema>['source']): Spec['source'] {
  if (source && 'git' in source) return { kind: 'git', url: source.git, ref: source.ref ?? null };
  if (source && 'archive' in source)
    return {
      kind: 'archive',
      id: source.archive,
      size: source.size,
      commit: source.commit ?? null,
      ...(source.prefix === undefined ? {} : { prefix: source.prefix }),
    };
  return { kind: 'path', path: source?.path ?? '.' };
}

function ms(text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : (parseDurationMs(text) ?? fallback);
}

function modelOf(model: z.output<typeof modelSchema>): ModelSpec {
  return {
    baseUrl: model.baseUrl,
    name: model.name,
    temperature: model.temperature ?? 0.7,
    maxTokens: model.maxTokens ?? 1024,
    contextTokens: model.contextTokens ?? 8192,
    timeoutMs: ms(model.timeout, 120_000),
    apiKeyEnv: model.apiKeyEnv ?? null,
    inputUsdPerMillion: model.inputUsdPerMillion ?? null,
    outputUsdPerMillion: model.outputUsdPerMillion ?? null,
  };
}

function invalid(errors: FieldError[]): AppError {
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new AppError(
    'invalid_spec',
    `the spec is not valid: ${first ? `${first.path || '(top)'}: ${first.message}` : ''}${more}`,
    { errors },
  );
}

/** The JSON Schema (2020-12) of `nightshift.yaml`, for editors. */
export function specJsonSchema(): Record<string, unknown> {
  return {
    $id: 'https://nightshift.dev/spec.schema.json',
    title: 'nightshift.yaml',
    ...z.toJSONSchema(specInputSchema, { io: 'input' }),
  };
}
