import { chmodSync, writeFileSync } from 'node:fs';
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
cat gpus
exit "$(cat code)"
`,
    );
    chmodSync(script, 0o755);
    this.says(SPARK);
    process.env.PATH = `${this.dir}${delimiter}${this.#path}`;
  }

  says(output: string, code = 0): void {
    writeFileSync(join(this.dir, 'code'), String(code));
    writeFileSync(join(this.dir, 'gpus'), output);
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
