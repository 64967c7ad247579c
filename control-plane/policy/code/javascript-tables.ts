import type { Hazard } from './python-tables.js';

/** Built-in modules of Node that neither reach the network, nor processes, nor run text. */
export const PURE_MODULES = new Set(
  'assert buffer console crypto events fs fs/promises os path path/posix perf_hooks punycode querystring readline stream stream/promises string_decoder timers timers/promises url util zlib'.split(
    ' ',
  ),
);
/** Globals that run text, reach the network or load native code. */
const PRIMITIVES = new Set(
  'eval Function AsyncFunction GeneratorFunction fetch WebSocket EventSource XMLHttpRequest Worker SharedArrayBuffer require globalThis global self window WebAssembly importScripts'.split(
    ' ',
  ),
);
const PROCESS_PLAIN = new Set(
  'env argv argv0 exitCode exit stdout stderr hrtime memoryUsage cpuUsage uptime version versions platform arch cwd nextTick pid'.split(
    ' ',
  ),
);
const PROCESS_SEALED = new Set('on once addListener prependListener emit removeAllListeners stdin send'.split(' '));
/** Whatever object they are taken from. */
const ATTRIBUTES = new Set(
  'constructor __proto__ __defineGetter__ __lookupGetter__ mainModule _load _extensions _cache binding dlopen execPath getBuiltinModule createRequire registerHooks'.split(
    ' ',
  ),
);
/** Methods of `fs` that write; the first argument says where. */
export const WRITERS = new Set(
  (
    'writeFile writeFileSync appendFile appendFileSync createWriteStream open openSync truncate truncateSync copyFile copyFileSync cp cpSync rename ' +
    'renameSync rm rmSync rmdir rmdirSync unlink unlinkSync symlink symlinkSync link linkSync chmod chmodSync chown chownSync utimes utimesSync'
  ).split(' '),
);
export const CLOCKS = new Set([
  'Date.now',
  'performance.now',
  'process.hrtime',
  'Math.random',
  'process.uptime',
  'performance.timeOrigin',
]);
export const SEED_CALLS = new Set(['seed', 'setSeed', 'seedrandom', 'manualSeed', 'reseed']);

/** What is wrong with a name or a dotted path that begins with a global; null for nothing. */
export function hazardOf(dotted: string): Hazard | null {
  const [root = '', second, third] = dotted.split('.');
  if (PRIMITIVES.has(root))
    return { rail: 'imports', name: root, reason: `${root} runs or reaches what no parser sees` };
  if (root === 'process' && second !== undefined) {
    if (PROCESS_SEALED.has(second))
      return {
        rail: 'sealed',
        name: `process.${second}`,
        reason: `process.${second} reaches the runner's signals or the end of the process`,
      };
    if (!PROCESS_PLAIN.has(second))
      return { rail: 'imports', name: `process.${second}`, reason: `process.${second} reaches the interpreter` };
  }
  if (
    root === 'Object' &&
    /^(?:defineProperty|defineProperties|setPrototypeOf|getPrototypeOf|getOwnPropertyDescriptors?)$/.test(second ?? '')
  )
    return { rail: 'imports', name: dotted, reason: `${dotted} changes what a name means behind a parser's back` };
  if (root === 'Reflect') return { rail: 'imports', name: 'Reflect', reason: 'Reflect reaches what no parser sees' };
  if (second === 'prototype' && third !== undefined && third !== 'slice' && third !== 'hasOwnProperty') return null;
  return null;
}

export function attributeHazard(attribute: string): Hazard | null {
  if (!ATTRIBUTES.has(attribute)) return null;
  return { rail: 'imports', name: attribute, reason: `.${attribute} leads out of what a parser can follow` };
}
