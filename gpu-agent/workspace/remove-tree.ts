import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

/** Deletes whatever a job may have left, without holding up what else this process does. Returns the paths that stayed. */
export async function removeTree(path: string): Promise<string[]> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
    return [];
  } catch {
    const steps = flatten(path);
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      await setImmediate();
    }
  }
}

/** The same for a process that does nothing else meanwhile. */
export function removeTreeSync(path: string): string[] {
  try {
    rmSync(path, { recursive: true, force: true });
    return [];
  } catch {
    const steps = flatten(path);
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
    }
  }
}

/**
 * Deletes a tree of any depth, any rights and any names, a folder at a time: what lies in a folder is moved up beside it first,
 * so that no path is longer than the kernel takes. Links are never followed.
 */
function* flatten(root: string): Generator<void, string[]> {
  const stays: string[] = [];
  const attempt = (path: Buffer<ArrayBuffer>, act: () => void) => {
    try {
      act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') stays.push(path.toString());
    }
  };
  const top = Buffer.from(root);
  const prefix = randomBytes(6).toString('hex');
  let moved = 0;
  if (!lstatSync(top, { throwIfNoEntry: false })?.isDirectory()) {
    attempt(top, () => unlinkSync(top));
    return stays;
  }
  const folders = [top];
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const at = folder;
    attempt(at, () => {
      chmodSync(at, 0o700);
      for (const entry of readdirSync(at, { withFileTypes: true, encoding: 'buffer' })) {
        const path = below(at, entry.name as unknown as Buffer);
        if (!entry.isDirectory()) attempt(path, () => unlinkSync(path));
        else if (at === top) folders.push(path);
        else {
          const up = below(top, Buffer.from(`${prefix}-${moved++}`));
          attempt(path, () => {
            chmodSync(path, 0o700);
            renameSync(path, up);
            folders.push(up);
          });
        }
      }
    });
    if (at !== top) attempt(at, () => rmdirSync(at));
    yield;
  }
  attempt(top, () => rmdirSync(top));
  return stays;
}

function below(folder: Buffer<ArrayBuffer>, name: Buffer): Buffer<ArrayBuffer> {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}
