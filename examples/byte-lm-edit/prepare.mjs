// Sealed. What training may rely on and cannot change: the text, the clock, the seed, the progress lines and the form of
// the artifact. NIGHTSHIFT_SOURCE says where to look for node_modules, so that a copy of this folder finds the same text.
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ARTIFACT = 'model.bin';
const MAX_FILE_BYTES = 40_000; // more of one long changelog teaches little about Markdown
const MAX_TOTAL_BYTES = 2_000_000;
const MIN_FILE_BYTES = 400;
const MIN_TOTAL_BYTES = 100_000;
const HELD_OUT_SHARE = 0.15;
/** Licences repeat from package to package with a word changed, which would leak into the held-out part. */
const SKIPPED = /licen[cs]e|notice|copying|security|code_of_conduct/i;
/** Processor time that a training may use, as a share of its budget: on a busy box it gets slower, not worse. */
const PROCESSOR_SHARE = 0.15;
/** Left of the budget for writing the artifact and leaving; too little and a busy box cuts the process off. */
const RESERVE_MS = 500;
const REPORT_EVERY_MS = 500;
/** A smoothed loss beyond this does not come back within the budget. Nats a byte; guessing costs 5.55. */
const DIVERGED_LOSS = 20;

/** node_modules beside or above `start`; undefined when there is none. */
function findModules(start) {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules');
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Markdown of the packages in name order. Links are left out: they are the workspace's own packages. */
function* markdownFiles(modules) {
  const folders = (path) =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name);
  const packages = folders(modules)
    .flatMap((name) => (name.startsWith('@') ? folders(join(modules, name)).map((inner) => `${name}/${inner}`) : [name]))
    .sort((a, b) => (a < b ? -1 : 1));
  for (const folder of packages.flatMap((name) => [name, `${name}/docs`])) {
    if (!existsSync(join(modules, folder))) continue;
    for (const file of readdirSync(join(modules, folder)).sort()) {
      if (/\.md$/i.test(file) && !SKIPPED.test(file)) yield join(modules, folder, file);
    }
  }
}

/** A file goes to one side by the hash of its content, so a copy under another name goes to the same side, once. */
function loadCorpus() {
  const source = process.env.NIGHTSHIFT_SOURCE || fileURLToPath(new URL('.', import.meta.url));
  const modules = findModules(source);
  if (modules === undefined) {
    throw new Error(`no node_modules in or above ${resolve(source)}: run npm ci there, or set NIGHTSHIFT_SOURCE`);
  }
  const sides = { train: [], heldOut: [] };
  const seen = new Set();
  let total = 0;
  for (const path of markdownFiles(realpathSync(modules))) {
    if (total >= MAX_TOTAL_BYTES) break;
    const bytes = readFileSync(path).subarray(0, MAX_FILE_BYTES);
    const hash = createHash('sha256').update(bytes).digest();
    if (bytes.length < MIN_FILE_BYTES || seen.has(hash.toString('hex'))) continue;
    seen.add(hash.toString('hex'));
    sides[hash.readUInt32BE(0) / 2 ** 32 < HELD_OUT_SHARE ? 'heldOut' : 'train'].push(bytes, Buffer.from([0]));
    total += bytes.length + 1;
  }
  const [train, heldOut] = [sides.train, sides.heldOut].map((parts) => new Uint8Array(Buffer.concat(parts)));
  if (total < MIN_TOTAL_BYTES || heldOut.length < MIN_TOTAL_BYTES / 20) {
    throw new Error(`only ${total} bytes of Markdown under ${modules} (need ${MIN_TOTAL_BYTES}): run npm ci in the repository`);
  }
  return { train, heldOut };
}

/** The bytes that a model is judged on. For the evaluator: training has no business with them. */
export function heldOutText() {
  return loadCorpus().heldOut;
}

/** Uniform numbers in [0, 1) from a 32-bit seed (mulberry32). */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Row of an n-gram table for the `bytes` bytes before `position`: exact where the table is large enough, else hashed. */
export function tableRow(text, position, bytes, rows) {
  let row = 0;
  if (256 ** bytes <= rows) {
    for (let back = bytes; back >= 1; back--) row = row * 256 + text[position - back];
    return row;
  }
  for (let back = bytes; back >= 1; back--) row = Math.imul(row ^ text[position - back], 0x9e3779b1) ^ (row >>> 15);
  return ((row ^ (row >>> 13)) >>> 0) % rows;
}

/**
 * Begins a training: `text` to learn from, `random` seeded with NIGHTSHIFT_SEED, `progress()` the share of the budget
 * that is used up (stop at 1), and `tableRow`. Used up is what is nearer: the processor time or the wall time, both
 * counted from the start of the process.
 */
export function startTraining() {
  rmSync(ARTIFACT, { force: true }); // a failed training must not be judged by an earlier one's artifact
  const budgetMs = Number(process.env.NIGHTSHIFT_BUDGET_SECONDS || 20) * 1000;
  const seed = Number(process.env.NIGHTSHIFT_SEED || 1);
  if (!(budgetMs > 0)) throw new Error('NIGHTSHIFT_BUDGET_SECONDS must be a number above 0');
  if (!Number.isInteger(seed)) throw new Error('NIGHTSHIFT_SEED must be an integer');
  // The loop ends by `progress`; should the runner's INT come first on a busy box, it must not cost the artifact.
  process.on('SIGINT', () => undefined);
  const { train: text } = loadCorpus();
  console.log(`training bytes ${text.length}, processor time ${(budgetMs * PROCESSOR_SHARE) / 1000} s, seed ${seed}`);
  const processorMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const [wallFrom, processorFrom] = [performance.now(), processorMs()];
  const wallRoom = Math.max(50, budgetMs - RESERVE_MS - wallFrom);
  const processorRoom = Math.max(50, budgetMs * PROCESSOR_SHARE - processorFrom);
  const progress = () =>
    Math.max((processorMs() - processorFrom) / processorRoom, (performance.now() - wallFrom) / wallRoom);
  return { text, random: randomFrom(seed), progress, tableRow };
}

let smoothed = NaN;
let reportAt = 0;

/** Call it every step with the mean loss in nats: it prints and reports now and then, and ends a training that diverged. */
export function report(step, loss) {
  smoothed = step === 1 ? loss : smoothed + (loss - smoothed) * Math.max(0.01, 1 / step);
  const hasDiverged = !(smoothed <= DIVERGED_LOSS);
  if (!hasDiverged && performance.now() < reportAt) return;
  reportAt = performance.now() + REPORT_EVERY_MS;
  const value = Number.isFinite(smoothed) ? smoothed : String(smoothed); // JSON has no NaN
  const path = process.env.NIGHTSHIFT_METRICS;
  if (path) appendFileSync(path, `${JSON.stringify({ name: 'train_loss', value, step })}\n`);
  console.log(`${hasDiverged ? 'FAIL: ' : ''}step ${step}  train_loss: ${smoothed.toFixed(4)}`);
  if (hasDiverged) process.exit(1);
}

/**
 * Writes model.bin: length of the header (uint32), the header as JSON, then every tensor as float32. `layers` are what
 * evaluate.mjs knows how to run, in order; a layer's Float32Arrays are its tensors, its other fields go to the header.
 */
export function saveModel(context, layers) {
  const isTensor = (value) => value instanceof Float32Array;
  const plain = layers.map((layer) => Object.fromEntries(Object.entries(layer).filter(([, value]) => !isTensor(value))));
  const header = Buffer.from(JSON.stringify({ context, layers: plain }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const tensors = layers.flatMap(({ weight, bias }) => [weight, bias]).filter(isTensor);
  const parts = tensors.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  writeFileSync(ARTIFACT, Buffer.concat([length, header, ...parts]));
  console.log(`saved ${tensors.reduce((sum, tensor) => sum + tensor.length, 0)} parameters`);
}
