import { existsSync, readFileSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** A watch may be missing (a network file system, too many watches): then a cancel is seen this late. */
const POLL_MS = 500;

/** Calls back once when `cancel.json` appears: a file, so that an agent that was restarted in between can still ask. */
export function watchCancel(path: string, onCancel: (detail: string) => void): () => void {
  let isDone = false;
  let watcher: FSWatcher | undefined;
  const stop = () => {
    isDone = true;
    clearInterval(timer);
    watcher?.close();
  };
  const look = () => {
    if (isDone || !existsSync(path)) return;
    stop();
    onCancel(readDetail(path));
  };
  const timer = setInterval(look, POLL_MS);
  try {
    watcher = watch(dirname(path), (_event, name) => {
      if (name === basename(path)) look();
    });
    watcher.on('error', () => watcher?.close());
  } catch {
    // the poll finds it
  }
  look();
  return stop;
}

function readDetail(path: string): string {
  try {
    const { detail } = JSON.parse(readFileSync(path, 'utf8')) as { detail?: unknown };
    return typeof detail === 'string' ? detail.slice(0, 1000) : '';
  } catch {
    return '';
  }
}
