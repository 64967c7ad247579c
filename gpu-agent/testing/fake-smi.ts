import { chmodSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { temporaryFolder } from './temporary-folder.js';

/** An nvidia-smi of this test's own, found before any other while the test runs: it says what it was told to. */
export class FakeSmi {
  readonly dir = temporaryFolder('smi');
  readonly #path = process.env.PATH;

  constructor() {
    const script = join(this.dir, 'nvidia-smi');
    writeFileSync(
      script,
      `#!/bin/sh
cd ${this.dir}
case "$*" in
  *query-compute-apps*) cat apps 2>/dev/null; exit 0 ;;
esac
[ -e hang ] && exec sleep 300
exec sh ./answer
`,
    );
    chmodSync(script, 0o755);
    this.says(SPARK);
    process.env.PATH = `${this.dir}${delimiter}${this.#path}`;
  }

  says(output: string, code = 0): void {
    // Put in place in one step: an agent asks at any moment, and its answer is one of the two.
    writeFileSync(join(this.dir, 'next'), `cat <<'END'\n${output.replace(/\n?$/, '\n')}END\nexit ${code}\n`);
    renameSync(join(this.dir, 'next'), join(this.dir, 'answer'));
  }
  hangs(): void {
    writeFileSync(join(this.dir, 'hang'), '');
  }
  computes(...pids: number[]): void {
    writeFileSync(join(this.dir, 'apps'), pids.map((pid) => `${pid}\n`).join(''));
  }
  remove(): void {
    process.env.PATH = this.#path;
  }
}

export const SPARK = '0, NVIDIA GB10, 580.95.05, [N/A], [N/A], 0, 11.40, 45, 2411\n';
