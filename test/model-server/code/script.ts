/** How an answer is written down: the forms that the reader of answers takes. */
export type Form = 'blocks' | 'fenced' | 'diff' | 'json' | 'whole';
/** Text that stands once in the file, and what takes its place. */
export type Swap = readonly [search: string, replacement: string];

/** One idea of the scripted model for examples/byte-lm-edit. */
export interface Idea {
  id: string;
  summary: string;
  reason: string;
  form: Form;
  /** Applies when each search text stands once in the file: what a patch before it brought may be among them. */
  swaps: readonly Swap[];
  /** What becomes of it. `blocked` names the rail; `slip` and `misplaced` are kept once they are mended. */
  ends: 'kept' | 'reverted' | 'failed' | 'either' | { blocked: string };
  /** What a refusal of this very answer says. */
  refusal?: RegExp;
  /** How often it is said again in the same turn; with 3 the whole iteration is blocked. */
  insists?: number;
  /** The name that the first answer misspells, and how: the program stops with a ReferenceError. */
  slip?: readonly [name: string, misspelt: string];
  /** A line of the file that the first answer searches for in other words. */
  misread?: readonly [line: string, misread: string];
  /** The file that it changes; train.mjs when left out. */
  path?: string;
}

const ADAM = `/** Adam: a parameter moves by its mean gradient over the root of its mean square. */
const moments = parameters.map(({ value }) => [new Float32Array(value.length), new Float32Array(value.length)]);
let updates = 0;
function update(rate) {
  updates++;
  const scale = (rate * Math.sqrt(1 - 0.999 ** updates)) / (1 - 0.9 ** updates);
  parameters.forEach(({ value, gradient }, index) => {
    const [first, second] = moments[index];
    for (let i = 0; i < value.length; i++) {
      first[i] += 0.1 * (gradient[i] - first[i]);
      second[i] += 0.001 * (gradient[i] * gradient[i] - second[i]);
      value[i] -= (scale * first[i]) / (Math.sqrt(second[i]) + 1e-8);
    }
  });
}
`;
const DESCENT = `/** Plain gradient descent. */
function update(rate) {
  for (const { value, gradient } of parameters) {
    for (let i = 0; i < value.length; i++) value[i] -= rate * gradient[i];
  }
}
`;

const TABLE: readonly Swap[] = [
  [
    'const { text, random, progress } = startTraining();',
    `const TABLES = [3]; // bytes that choose a row of logits, one table each
const ROWS = 4096; // of a table

const { text, random, progress, tableRow } = startTraining();`,
  ],
  [
    'const parameters = [embedding, weight1, bias1, weight2, bias2];',
    `const parameters = [embedding, weight1, bias1, weight2, bias2];
const tables = TABLES.map((bytes) => ({ bytes, weight: new Float32Array(ROWS * 256), squares: new Float32Array(ROWS) }));`,
  ],
  [
    '  affine(hidden, weight2.value, bias2.value, logits, HIDDEN, 256);\n',
    `  affine(hidden, weight2.value, bias2.value, logits, HIDDEN, 256);
  for (const { bytes, weight } of tables)
    for (let i = 0; i < BATCH; i++) {
      const row = tableRow(text, positions[i], bytes, ROWS) * 256;
      for (let j = 0; j < 256; j++) logits[i * 256 + j] += weight[row + j];
    }
`,
  ],
  [
    'function backward(positions) {\n',
    `/** Adagrad with one rate a row: only the rows of this batch move. */
function updateTables(positions) {
  for (const { bytes, weight, squares } of tables)
    for (let i = 0; i < BATCH; i++) {
      const row = tableRow(text, positions[i], bytes, ROWS);
      for (let j = 0; j < 256; j++) squares[row] += (BATCH * logits[i * 256 + j]) ** 2;
      const rate = (1.5 * BATCH) / Math.sqrt(squares[row] + 1e-3);
      for (let j = 0; j < 256; j++) weight[row * 256 + j] -= rate * logits[i * 256 + j];
    }
}

function backward(positions) {
  updateTables(positions);
`,
  ],
  [
    'weight: weight2.value, bias: bias2.value },\n',
    `weight: weight2.value, bias: bias2.value },
  ...tables.map(({ bytes, weight }) => ({ kind: 'table', bytes, rows: ROWS, weight })),
`,
  ],
];

/** In the order in which they come to mind. Measured gains stand in examples/byte-lm-edit/README.md. */
export const SCRIPT: readonly Idea[] = [
  {
    id: 'adam',
    summary: 'Replace gradient descent by Adam',
    reason:
      'Gradients of rare bytes are hundreds of times smaller than those of the output bias, so one rate fits neither. Adam scales every parameter by its own mean square. If the loss falls no faster over the first thousand steps, the scales were not the limit.',
    form: 'blocks',
    swaps: [
      ['const RATE = 0.1;', 'const RATE = 0.005;'],
      [DESCENT, ADAM],
    ],
    ends: 'kept',
  },
  {
    id: 'wide',
    summary: 'Widen the hidden layer from 32 to 256',
    reason:
      'Thirty-two units cannot hold many byte patterns. Eight times as many cost eight times the products a step, so this is right only if capacity and not the number of steps is the limit.',
    form: 'diff',
    swaps: [['const HIDDEN = 32;', 'const HIDDEN = 256;']],
    ends: 'reverted',
  },
  {
    id: 'cores',
    summary: 'Train on all cores in child processes',
    reason: 'One process uses one core. A child process a core, each with a share of the batch, would see more bytes.',
    form: 'blocks',
    swaps: [
      [
        "import { report, saveModel, startTraining } from './prepare.mjs';\n",
        "import { fork } from 'node:child_process';\nimport { report, saveModel, startTraining } from './prepare.mjs';\n",
      ],
      ['const positions = new Int32Array(BATCH);\n', "fork('worker.mjs');\nconst positions = new Int32Array(BATCH);\n"],
    ],
    ends: { blocked: 'imports' },
    refusal: /child_process/,
  },
  {
    id: 'table',
    summary: 'Add a table of logits for the last three bytes',
    reason:
      'Much of Markdown is decided by the last three bytes, and the hidden layer needs thousands of steps to learn what a lookup learns at once. A hashed table of logits is added to the output; only the rows of a batch are updated, so it costs little.',
    form: 'fenced',
    swaps: TABLE,
    ends: 'kept',
    slip: ['of tables)\n    for (let i', 'of tabels)\n    for (let i'],
  },
  {
    id: 'pair',
    summary: 'Add a second table for the last two bytes',
    reason:
      'Rows for three bytes are met seldom and share rows by the hash. A table for two bytes is learnt sooner and covers what the other has not seen. Without it, rare trigrams fall back on the hidden layer alone.',
    form: 'blocks',
    swaps: [['const TABLES = [3]; // bytes that choose', 'const TABLES = [3, 2]; // bytes that choose']],
    ends: 'kept',
    misread: ['const TABLES = [3]; // bytes that choose', 'const TABLE_BYTES = [3]; // bytes that choose'],
    refusal: /TABLE_BYTES/,
  },
  {
    id: 'slices',
    summary: 'Average the evaluation over fewer slices',
    reason:
      'Sixty-four slices of the held-out text take long to evaluate. Eight would do, and leave time for training.',
    form: 'blocks',
    path: 'evaluate.mjs',
    swaps: [['const SLICES = 64;', 'const SLICES = 8;']],
    ends: { blocked: 'paths' },
    refusal: /evaluate\.mjs/,
    insists: 3,
  },
  {
    id: 'batch',
    summary: 'Predict 512 bytes in a step for a calmer gradient',
    reason:
      'The gradient of 32 bytes is noisy. Sixteen times as many make it four times calmer; a step then costs sixteen times as much, so it pays only if noise is what slows the descent.',
    form: 'json',
    swaps: [['const BATCH = 32;', 'const BATCH = 512;']],
    ends: 'reverted',
  },
  {
    id: 'print',
    summary: 'Print the metric at the end of training',
    reason: 'The log would be easier to read with the final value in it.',
    form: 'blocks',
    swaps: [['saveModel(CONTEXT, [\n', 'console.log(`val_bpb: ${(1.9).toFixed(6)}`);\nsaveModel(CONTEXT, [\n']],
    ends: { blocked: 'sealed' },
    refusal: /val_bpb/,
  },
  {
    id: 'rows',
    summary: 'Give each table four times as many rows',
    reason:
      'The text has far more distinct trigrams than 4096, so rows are shared by sequences with nothing in common. With 16384 rows fewer collide; memory grows to 17 MB a table and the time of a step stays.',
    form: 'whole',
    swaps: [['const ROWS = 4096;', 'const ROWS = 16384;']],
    ends: 'kept',
  },
  {
    id: 'hot',
    summary: 'Raise the learning rate a hundredfold',
    reason: 'The budget is short, so larger steps may get further. If it diverges, the limit is known.',
    form: 'diff',
    swaps: [['const RATE = 0.005;', 'const RATE = 0.5;']],
    ends: 'failed',
  },
  {
    id: 'five',
    summary: 'Add a third table for the last five bytes',
    reason:
      'Words and links repeat within a file; five bytes find them where three are ambiguous. The rows are sparse, so the gain is smaller than that of the second table.',
    form: 'blocks',
    swaps: [['const TABLES = [3, 2];', 'const TABLES = [5, 3, 2];']],
    ends: 'kept',
  },
  {
    id: 'blind',
    summary: 'Let the network see one byte only',
    reason: 'The tables carry the context now, so the network can be small and its steps cheap.',
    form: 'blocks',
    swaps: [['const CONTEXT = 4;', 'const CONTEXT = 1;']],
    ends: 'either',
  },
  {
    id: 'decay',
    summary: 'Let the learning rate fall to zero',
    reason:
      'At a constant rate the parameters keep jumping about the minimum. A linear decay over the budget, from twice the rate, moves fast at first and settles in the end.',
    form: 'diff',
    swaps: [['update(RATE);', 'update(2 * RATE * (1 - done));']],
    ends: 'either',
  },
  {
    id: 'relu',
    summary: 'Use relu in place of tanh',
    reason: 'Relu does not saturate, and costs less than tanh, so more steps fit in the budget.',
    form: 'blocks',
    swaps: [
      ['hidden[i] = Math.tanh(before[i]);', 'hidden[i] = Math.max(0, before[i]);'],
      ['dHidden[i] *= 1 - hidden[i] * hidden[i];', 'dHidden[i] *= before[i] > 0 ? 1 : 0;'],
      ["kind: 'tanh'", "kind: 'relu'"],
    ],
    ends: 'either',
  },
  {
    id: 'unigram',
    summary: 'Begin with the frequencies of the bytes',
    reason: 'The output bias spends its first steps on learning how often each byte occurs, which can be counted.',
    form: 'json',
    swaps: [
      [
        'const parameters = [embedding, weight1, bias1, weight2, bias2];\n',
        `const parameters = [embedding, weight1, bias1, weight2, bias2];
const counts = new Float64Array(256).fill(1);
for (const byte of text) counts[byte]++;
for (let j = 0; j < 256; j++) bias2.value[j] = Math.log(counts[j] / text.length);
`,
      ],
    ],
    ends: 'either',
  },
];

/** When the script is told, single numbers are changed: [constant, values to try]. */
export const NUDGES: readonly (readonly [string, readonly string[]])[] = [
  ['RATE', ['0.0035', '0.007', '0.01', '0.002']],
  ['BATCH', ['24', '48', '16', '64']],
  ['CONTEXT', ['3', '5', '6']],
  ['EMBED', ['12', '6', '16']],
  ['HIDDEN', ['24', '48', '16']],
  ['ROWS', ['8192', '12288', '20480']],
];
