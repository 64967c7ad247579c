import { homedir } from 'node:os';
import { join } from 'node:path';

/** What lies in a home directory and opens a door somewhere else. Relative to it; those that are missing do not matter. */
const CREDENTIALS = (
  '.ssh .gnupg .aws .azure .kube .docker .config/gcloud .config/gh .config/git .config/op .config/rclone .config/wandb ' +
  '.netrc .git-credentials .npmrc .pypirc .yarnrc.yml .cargo/credentials .cargo/credentials.toml .kaggle .huggingface ' +
  '.cache/huggingface/token .cache/huggingface/stored_tokens .databrickscfg .modal.toml .terraform.d .vault-token ' +
  '.password-store .local/share/keyrings .mozilla .config/google-chrome .config/chromium .config/opencode .local/share/opencode ' +
  '.claude .claude.json .codex .bash_history .zsh_history .python_history .node_repl_history .psql_history .pgpass .my.cnf ' +
  '.nightshift'
).split(' ');

/** Paths that a sandboxed job does not see: credentials, sockets of other programs, other jobs, and what the owner names. */
export function hiddenPaths(home: string, env: Readonly<Record<string, string | undefined>>, more: string[]): string[] {
  const user = env['HOME'] ?? homedir();
  return [
    home,
    '/run',
    ...CREDENTIALS.map((name) => join(user, name)),
    ...(env['HF_HOME'] ? [join(env['HF_HOME'], 'token'), join(env['HF_HOME'], 'stored_tokens')] : []),
    '/etc/shadow',
    '/etc/ssh',
    '/etc/kubernetes',
    // The terminals' sockets lie there; a folder of its own stands in for /tmp.
    ...(env['TMPDIR'] ? [env['TMPDIR']] : []),
    ...more,
  ];
}
