import { posix } from 'node:path';
import type { Sealed } from './context.js';
import type { Finding } from './context.js';

/** Files of this house and of the box that no training code has business with. */
const HOUSE_FILES = /(?:^|\/)(?:exit\.json|metrics\.jsonl|output\.log|spec\.json|sitecustomize\.py|usercustomize\.py)$/;
const CREDENTIAL_PATHS =
  /(?:^|\/)(?:\.ssh|\.aws|\.gnupg|\.kube|\.docker|\.netrc|\.npmrc|\.pypirc|\.git-credentials|\.env|id_rsa|id_ed25519)(?:$|[/.])|^\/proc\/(?:self|\d+)\/environ|^\/etc\/shadow|\.config\/gcloud|\.cache\/huggingface\/token|^\/run\/secrets/;
const CREDENTIAL_NAMES =
  /^(?:AWS_(?:SECRET_ACCESS_KEY|ACCESS_KEY_ID|SESSION_TOKEN)|HF_TOKEN|HUGGING_?FACE_HUB_TOKEN|GITHUB_TOKEN|GH_TOKEN|WANDB_API_KEY|\w+_API_KEY|NPM_TOKEN|DATABASE_URL|\w*(?:PASSWORD|PRIVATE_KEY|CLIENT_SECRET))$/;

/** What a string in the code says that a rail cares about. `unit` is the statement that it stands in. */
export function literalFindings(text: string, sealed: Sealed, unit: string, line: number): Finding[] {
  const found: Finding[] = [];
  const add = (rail: Finding['rail'], what: string, reason: string) =>
    found.push({ rail, key: `${what}|${unit}`, line, reason, allowedBy: null });
  if (hasWord(text, sealed.metricName)) add('sealed', 'metric', `it writes the metric's name, ${sealed.metricName}`);
  for (const path of sealed.sealedFiles) {
    const name = path.split('/').at(-1) as string;
    if (hasWord(text, name)) add('sealed', 'file', `it names the sealed file ${path}`);
  }
  if (HOUSE_FILES.test(text)) add('sealed', 'house', 'it names a file that the runner keeps');
  for (const name of [...sealed.seedNames, ...sealed.clockNames])
    if (text === name) add('sealed', 'name', `it names ${name}, which the runner owns`);
  if (CREDENTIAL_PATHS.test(text.replace(/^~\//, '/root/')))
    add('secrets', 'path', 'it names a place where credentials are kept');
  if (CREDENTIAL_NAMES.test(text)) add('secrets', 'variable', 'it names a variable that holds a credential');
  return found;
}

/** What a variable of the environment that is asked for by this name may hold. Wider than for any text: here it is a variable's name for sure. */
export function isCredentialVariable(name: string): boolean {
  return (
    CREDENTIAL_NAMES.test(name) ||
    (!name.startsWith('NIGHTSHIFT_') &&
      /(?:^|_)(?:SECRETS?|TOKENS?|KEYS?|PASSWORDS?|PASSWD|CREDENTIALS?|AUTH)(?:_|$)/i.test(name))
  );
}

/** Whether a text holds a name that no letter or digit runs into. */
export function hasWord(text: string, word: string): boolean {
  const [lower, wanted] = [text.toLowerCase(), word.toLowerCase()];
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
    const isInner = /[\p{L}\p{N}]/u.test(lower[at - 1] ?? '') || /[\p{L}\p{N}]/u.test(lower[at + wanted.length] ?? '');
    if (!isInner) return true;
  }
  return false;
}

/** Whether a path that is written to stays in the workspace and away from what is sealed. */
export function isOwnPath(path: string, sealed: Sealed): boolean {
  const isInside =
    path !== '' &&
    !/^(?:[/~\\]|[a-z]:|file:)/i.test(path) &&
    !path.split(/[/\\]/).includes('..') &&
    !/[\0%$]/.test(path);
  const plain = posix.normalize(path).replace(/\/$/, '');
  return (
    isInside &&
    !sealed.sealedFiles.some((file) => plain === file || plain.startsWith(`${file.replace(/\/$/, '')}/`)) &&
    !HOUSE_FILES.test(plain) &&
    !/\.(?:py|pth|m?js|sh|so)$/.test(plain)
  );
}
