import type { JobPhase, JobSpec } from '@nightshift/protocol';

/** Variables through which code outside a program gets into it. The spec may set them; the box's own do not reach the evaluator. */
const INJECTING =
  /^(?:PYTHON(?!DONTWRITEBYTECODE|UNBUFFERED|HASHSEED)\w*|NODE_OPTIONS|NODE_PATH|LD_PRELOAD|LD_AUDIT|DYLD_\w+|BASH_ENV|ENV|PERL5LIB|RUBYLIB|RUBYOPT)$/;
const SECRET = /(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY)/i;
const PROXY = /^(?:https?|all)_proxy$/i;
/** What compiles while it trains wants to keep the result: in the job's own temporary folder, where no other job finds it. */
const CACHES = ['TRITON_CACHE_DIR', 'TORCHINDUCTOR_CACHE_DIR', 'CUDA_CACHE_PATH', 'NUMBA_CACHE_DIR', 'MPLCONFIGDIR'];

export interface CodeEnvironment {
  phase: JobPhase;
  spec: JobSpec;
  env: Record<string, string>;
  venv: string | null;
  isSandboxed: boolean;
  /** The temporary folder as the job sees it. */
  tmp: string;
  hasNetwork: boolean;
  /** Names of variables that were taken out because they hold secrets; filled here. */
  withheld: string[];
}

/**
 * The environment of a phase in which edited code runs, or which measures it: no secrets for what was edited (an evaluator
 * that is given no edited file keeps those of the spec), nothing that injects code into the evaluator, a temporary folder of its own.
 */
export function codeEnvironment({
  phase,
  spec,
  env,
  venv,
  isSandboxed,
  tmp,
  hasNetwork,
  withheld,
}: CodeEnvironment): Record<string, string> {
  const isEvaluator = phase === 'evaluate';
  const isApart =
    isEvaluator && spec.edit?.artifacts != null && !spec.edit.artifacts.some((path) => spec.edit?.files.includes(path));
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (isEvaluator && INJECTING.test(name) && !(name in spec.env)) continue;
    if (!isApart && SECRET.test(name) && !name.startsWith('NIGHTSHIFT_KNOB_')) {
      withheld.push(name);
      continue;
    }
    if (!hasNetwork && PROXY.test(name)) continue;
    kept[name] = value;
  }
  for (const name of ['TMPDIR', 'TMP', 'TEMP']) kept[name] = tmp;
  for (const name of CACHES) if (!(name in spec.env)) kept[name] = `${tmp}/cache/${name.toLowerCase()}`;
  // uv would make the environment match its lock: it is used as it is. Its own cache cannot be written in a sandbox.
  const uv: Record<string, string> = {
    ...(venv && { UV_NO_SYNC: '1', UV_PROJECT_ENVIRONMENT: venv }),
    ...(isSandboxed && { UV_CACHE_DIR: `${tmp}/cache/uv`, UV_PYTHON_DOWNLOADS: 'never' }),
    ...(!hasNetwork && { UV_OFFLINE: '1' }),
  };
  for (const [name, value] of Object.entries(uv)) if (!(name in spec.env)) kept[name] = value;
  if (isEvaluator) kept['PYTHONDONTWRITEBYTECODE'] = '1';
  return kept;
}
