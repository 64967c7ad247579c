import { existsSync } from 'node:fs';
import type { JobSpec } from '@nightshift/protocol';
import { JOB_MARKER } from '../process/job-processes.js';

/** What a job sees of the agent's environment. Everything else, the agent's credential first, stays out. */
const ALLOWED = new Set(
  (
    'PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TMP TEMP LD_LIBRARY_PATH DYLD_LIBRARY_PATH LIBRARY_PATH CPATH VIRTUAL_ENV ' +
    'PYTHONPATH PYENV_ROOT UV_CACHE_DIR PIP_CACHE_DIR XDG_CACHE_HOME XDG_DATA_HOME XDG_RUNTIME_DIR TRITON_CACHE_DIR TRITON_PTXAS_PATH ' +
    'http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS'
  ).split(' '),
);
const ALLOWED_PREFIXES = [
  'LC_',
  'CUDA_',
  'CUDNN_',
  'NVIDIA_',
  'NCCL_',
  'CONDA_',
  'OMP_',
  'MKL_',
  'HF_HOME',
  'HF_HUB_CACHE',
  'HF_DATASETS_CACHE',
  'TORCH_HOME',
  'TORCHINDUCTOR_CACHE_DIR',
  'PYTORCH_',
];

export interface JobEnvironment {
  spec: JobSpec;
  base: Readonly<Record<string, string | undefined>>;
  configPath: string;
  metricsPath: string;
  /** True on a box whose GPU is a GB10: Triton's own ptxas does not know it. */
  isGb10: boolean;
}

/** The environment of a phase. The spec's own variables win over the box's, Nightshift's win over both. */
export function jobEnvironment({
  spec,
  base,
  configPath,
  metricsPath,
  isGb10,
}: JobEnvironment): Record<string, string> {
  const env: Record<string, string> = { TERM: 'xterm-256color' };
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && (ALLOWED.has(name) || ALLOWED_PREFIXES.some((prefix) => name.startsWith(prefix))))
      env[name] = value;
  }
  const ptxas = '/usr/local/cuda/bin/ptxas';
  if (isGb10 && !env['TRITON_PTXAS_PATH'] && existsSync(ptxas)) env['TRITON_PTXAS_PATH'] = ptxas;
  Object.assign(env, spec.env);
  for (const [name, value] of Object.entries(spec.config)) env[`NIGHTSHIFT_KNOB_${name.toUpperCase()}`] = String(value);
  env['NIGHTSHIFT_CONFIG'] = configPath;
  env['NIGHTSHIFT_METRICS'] = metricsPath;
  env['NIGHTSHIFT_SEED'] = String(spec.seed);
  env['NIGHTSHIFT_BUDGET_SECONDS'] = String(spec.budgetMs / 1000);
  if (spec.source.kind === 'path') env['NIGHTSHIFT_SOURCE'] = spec.source.path;
  env[JOB_MARKER] = spec.attemptId;
  return env;
}
