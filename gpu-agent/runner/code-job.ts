import { existsSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JobPhase, JobSpec } from '@nightshift/protocol';
import { sandboxCommand } from '../sandbox/command.js';
import { hiddenPaths } from '../sandbox/hidden.js';
import { limitedCommand } from '../sandbox/limits.js';
import type { JobDir } from '../spool/job-dir.js';
import { temporaryPrefix } from '../spool/temporary-name.js';
import { list, takeArtifacts } from '../workspace/artifacts.js';
import type { Workspace } from '../workspace/prepare.js';
import { removeTreeSync } from '../workspace/remove-tree.js';
import { differsFromRun, pythonStartFiles } from '../workspace/ruler.js';
import { brokenSeal, sealOf, type Seal } from '../workspace/sealed-files.js';
import { stampFolder } from '../workspace/walk-files.js';
import type { Ending } from './classify.js';
import { codeEnvironment } from './code-environment.js';
import type { RunnerOptions } from './options.js';
import { watchTampering } from './tamper.js';

export interface Confined {
  command: string;
  env: Record<string, string>;
  /** The phase's own temporary folder; null where it has none. */
  tmp: string | null;
  /** Removes what only this phase needed. */
  done: () => void;
}

/** The variable of the spec that asks for a network: `evaluate` (the evaluator alone) or `all`. */
const NETWORK = 'NIGHTSHIFT_NETWORK';

/** What code mode adds to a job: the sandbox around edited code, and the proof that the evaluator measures what training left. */
export class CodeJob {
  readonly edit: NonNullable<JobSpec['edit']>;
  readonly #bwrap: string | null;
  #workspace: Workspace | null = null;
  #venv: string | null = null;
  #look: () => Ending | null = () => null;
  readonly #userHome = process.env['HOME'] ?? homedir();
  #before: ReadonlyMap<string, string> = new Map();
  #seal: Seal = new Map();
  #left: string[] = [];

  constructor(
    private readonly spec: JobSpec,
    edit: NonNullable<JobSpec['edit']>,
    private readonly dir: JobDir,
    private readonly options: RunnerOptions,
    private readonly note: (text: string) => void,
  ) {
    this.edit = edit;
    this.#bwrap = options.sandbox.bwrap;
  }

  /** Why edited code may not run on this box; null when it may. */
  get refusal(): Ending | null {
    const { isRequired, problem } = this.options.sandbox;
    if (this.#bwrap || !isRequired) return null;
    return {
      reason: 'agent_refused',
      detail: `this box's owner requires a sandbox for edited code: ${problem ?? 'there is none'}`,
    };
  }

  get isSandboxed(): boolean {
    return this.#bwrap !== null;
  }

  /** The same for a baseline and its candidates, so that their numbers may be compared. */
  get fingerprint(): Record<string, string> {
    return { sandbox: this.#bwrap ? `bwrap${this.#hasNetwork('train') ? ' with network' : ''}` : 'none' };
  }

  /** Call it when the workspace is ready and nothing of the job runs; says why it may not be measured here. */
  begin(workspace: Workspace, venv: string | null): Ending | null {
    this.#workspace = workspace;
    this.#venv = venv;
    if (!this.#bwrap)
      this.note(
        `sandbox: none (${this.options.sandbox.problem ?? 'switched off'}): edited code runs with the rights of the agent's user`,
      );
    if (this.spec.evaluate !== null && this.edit.artifacts === null) this.#before = stampFolder(this.dir.work);
    this.#look = watchTampering({
      spec: this.spec,
      dir: this.dir,
      sealed: workspace.sealed,
      setupBase: workspace.setupBase,
      venv,
      userHome: this.#userHome,
      isSandboxed: this.#bwrap !== null,
    });
    if (this.spec.evaluate === null) return null;
    this.#seal = sealOf(this.dir.evaluation, this.edit, workspace.sealed);
    const name = differsFromRun(this.options.home, this.spec.runId, {
      ...Object.fromEntries(workspace.sealed.map(({ path, sha256 }) => [path, sha256])),
      // What setup made is made from the source and guarded as it stands.
      ...pythonStartFiles(this.#userHome, venv && !isInside(venv, workspace.setupBase) ? venv : null),
    });
    if (name === null) return null;
    return {
      reason: 'sealed_files_changed',
      detail: `${name} is not what it was when the first job of this run was measured on this box: put it back, or start a new run`,
    };
  }

  /** A phase as it may run: in the sandbox where there is one, with bounds, without secrets. */
  confine(
    phase: JobPhase,
    input: { command: string; cwd: string; env: Record<string, string>; metricsPath: string },
  ): Confined {
    // Setup is the person's own command on the person's own source, and may need the network.
    if (phase === 'setup') return { ...input, tmp: null, done: () => {} };
    const hasNetwork = !this.#bwrap || this.#hasNetwork(phase);
    const tmp = this.#bwrap ? join(this.dir.path, `tmp-${phase}`) : mkdtempSync(temporaryPrefix(this.spec.attemptId));
    discard(tmp);
    mkdirSync(tmp, { recursive: true, mode: 0o700 });
    const withheld: string[] = [];
    const env = codeEnvironment({
      phase,
      spec: this.spec,
      env: input.env,
      venv: this.#venv,
      isSandboxed: this.isSandboxed,
      tmp: this.#bwrap ? '/tmp' : tmp,
      hasNetwork,
      withheld,
    });
    if (withheld.length > 0) this.note(`${phase} is not given ${withheld.join(', ')}: edited code gets no secrets`);
    const done = () => {
      discard(tmp);
    };
    if (!this.#bwrap) return { command: limitedCommand(input.command), env, tmp, done };
    const { hide } = this.options.sandbox;
    const command = sandboxCommand(
      this.#bwrap,
      {
        cwd: input.cwd,
        tmp,
        hasNetwork,
        writable: [input.cwd, input.metricsPath],
        readable: [
          this.dir.config,
          ...(this.spec.source.kind === 'path' ? [this.spec.source.path, ...packagesAbove(this.spec.source.path)] : []),
          ...(this.#workspace?.setupBase ? [this.#workspace.setupBase] : []),
          ...(this.#venv ? [this.#venv] : []),
          ...(phase === 'evaluate' ? hide : []),
        ],
        hidden: hiddenPaths(this.options.home, process.env, phase === 'evaluate' ? [] : hide),
      },
      input.command,
    );
    return { command: limitedCommand(command), env, tmp, done };
  }

  /** After training, when nothing of it runs any more: what it did that it may not do. */
  tampering(): Ending | null {
    return this.#look();
  }

  /** At the very end: an account of it can only be the runner's. */
  forgery(): Ending | null {
    if (!existsSync(this.dir.exit)) return null;
    return { reason: 'cheated', detail: 'exit.json was written by the job itself: only its runner writes it' };
  }

  /** Hands what training left to the evaluator. */
  handOver(): Ending | null {
    const taken = takeArtifacts({
      work: this.dir.work,
      to: this.dir.evaluation,
      edit: this.edit,
      evaluate: this.spec.evaluate ?? '',
      before: this.#before,
    });
    if ('problem' in taken) return { reason: 'no_metric', detail: taken.problem };
    for (const note of taken.notes.slice(0, 20)) this.note(note);
    this.#left = taken.left;
    return this.#broken('what training left', false);
  }

  /** After the evaluator: it measured with what it was given. Files of its own beside that (a cache) are nobody's harm. */
  evaluated(): Ending | null {
    return this.#broken('the evaluator', true);
  }

  #broken(who: string, mayAdd: boolean): Ending | null {
    const path = brokenSeal(this.#seal, sealOf(this.dir.evaluation, this.edit), mayAdd);
    if (path === null) return null;
    const detail = `${who} changed the sealed ${path} in the evaluator's folder`;
    return this.#isCandidate ? { reason: 'cheated', detail } : { reason: 'sealed_files_changed', detail };
  }

  get #isCandidate(): boolean {
    return !!this.spec.overlay && this.spec.role !== 'baseline' && this.spec.role !== 'audit';
  }

  /** The evaluator has measured the baseline before: where it fails on a candidate, the patch is the cause. */
  blame(ending: Ending, as: 'crash' | 'no_metric'): Ending {
    if (ending.reason !== 'evaluator_failed') return ending;
    if (this.#isCandidate) return { reason: as, detail: `on what this code's training left, ${ending.detail}` };
    if (this.#left.length === 0) return ending;
    return { ...ending, detail: `${ending.detail}; it was not given ${list(this.#left)}: see edit.artifacts` };
  }

  #hasNetwork(phase: JobPhase): boolean {
    const { network } = this.options.sandbox;
    if (network !== null) return network;
    const asked = this.spec.env[NETWORK];
    return asked === 'all' || (asked === 'evaluate' && phase === 'evaluate');
  }
}

function isInside(path: string, folder: string | null): boolean {
  return folder !== null && path.startsWith(`${realpathSync(folder)}/`);
}

/** A folder of a job may hold what cannot be removed; the account of the job is worth more than the space. */
export function discard(path: string): void {
  try {
    removeTreeSync(path);
  } catch {
    // it goes with the job's directory
  }
}

/** The node_modules that a project below a workspace's root resolves its packages from: seen even under a hidden /tmp. */
function packagesAbove(folder: string): string[] {
  const found: string[] = [];
  for (let at = dirname(folder); at !== dirname(at); at = dirname(at)) {
    const packages = join(at, 'node_modules');
    if (existsSync(packages)) found.push(packages);
  }
  return found;
}
