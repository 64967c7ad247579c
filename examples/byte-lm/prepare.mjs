// The corpus: Markdown of the installed npm packages, chosen the same way on every machine with the same install.
// It takes some 30 ms, so nothing is cached: a stale or doctored cache could otherwise leak the held-out part.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAX_FILE_BYTES = 40_000; // more of one long changelog teaches little about Markdown
const MAX_TOTAL_BYTES = 2_000_000;
const MIN_FILE_BYTES = 400;
const MIN_TOTAL_BYTES = 100_000;
const HELD_OUT_SHARE = 0.15;
/** Licences repeat from package to package with a word changed, which would leak into the held-out part. */
const SKIPPED = /licen[cs]e|notice|copying|security|code_of_conduct/i;

/** node_modules beside or above `start`; undefined when there is none. */
function findModules(start) {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules');
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

/** Package folders in name order. Links are left out: they are the workspace's own packages. */
function packagesIn(modules) {
  const folders = (path) =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map((entry) => entry.name);
  return folders(modules)
    .flatMap((name) => (name.startsWith('@') ? folders(join(modules, name)).map((inner) => `${name}/${inner}`) : [name]))
    .sort((a, b) => (a < b ? -1 : 1));
}

function* markdownFiles(modules) {
  for (const name of packagesIn(modules)) {
    for (const folder of [name, `${name}/docs`]) {
      if (!existsSync(join(modules, folder))) continue;
      for (const file of readdirSync(join(modules, folder)).sort()) {
        if (/\.md$/i.test(file) && !SKIPPED.test(file)) yield `${folder}/${file}`;
      }
    }
  }
}

/**
 * The text in two parts, bytes 0 to 255, files joined by a zero byte. A file goes to one side by the hash of its
 * content, so a copy of it under another name goes to the same side (and is used once).
 * @returns {{ train: Uint8Array, heldOut: Uint8Array, files: number, modules: string }}
 */
export function loadCorpus(source = process.env.NIGHTSHIFT_SOURCE || fileURLToPath(new URL('.', import.meta.url))) {
  const modules = findModules(source);
  if (modules === undefined) {
    throw new Error(`no node_modules in or above ${resolve(source)}: run npm ci there, or set NIGHTSHIFT_SOURCE`);
  }
  const sides = { train: [], heldOut: [] };
  const seen = new Set();
  let total = 0;
  for (const path of markdownFiles(realpathSync(modules))) {
    if (total >= MAX_TOTAL_BYTES) break;
    const bytes = readFileSync(join(modules, path)).subarray(0, MAX_FILE_BYTES);
    const hash = createHash('sha256').update(bytes).digest();
    if (bytes.length < MIN_FILE_BYTES || seen.has(hash.toString('hex'))) continue;
    seen.add(hash.toString('hex'));
    sides[hash.readUInt32BE(0) / 2 ** 32 < HELD_OUT_SHARE ? 'heldOut' : 'train'].push(bytes, Buffer.from([0]));
    total += bytes.length + 1;
  }
  const train = new Uint8Array(Buffer.concat(sides.train));
  const heldOut = new Uint8Array(Buffer.concat(sides.heldOut));
  if (total < MIN_TOTAL_BYTES || heldOut.length < MIN_TOTAL_BYTES / 20) {
    throw new Error(`only ${total} bytes of Markdown under ${modules} (need ${MIN_TOTAL_BYTES}): run npm ci in the repository`);
  }
  return { train, heldOut, files: seen.size, modules };
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  const { train, heldOut, files, modules } = loadCorpus();
  console.log(`${files} files under ${modules}`);
  console.log(`train ${train.length} bytes, held out ${heldOut.length} bytes, ${(performance.now() - started).toFixed(0)} ms`);
}
