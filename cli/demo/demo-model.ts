import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '@nightshift/protocol';

export interface DemoModel {
  /** What goes into `proposer.model.baseUrl`. */
  url: string;
  close(): Promise<void>;
}
interface ModelServerRoom {
  startModelServer(options: { behaviour: 'code-script' }): Promise<DemoModel>;
}

/**
 * Starts the scripted model server of the repository, real HTTP without weights. It is part of the tests and no package: it is loaded
 * from beside the examples, into this process, so that it ends with the demo however that ends.
 */
export async function startDemoModel(example: string): Promise<DemoModel> {
  const path = join(dirname(dirname(example)), 'test', 'dist', 'model-server', 'index.js');
  if (!existsSync(path))
    throw new AppError('not_found', `the scripted model server is not built: there is no ${path}`, {
      hint: 'npm run build, in a checkout of the repository',
    });
  const { startModelServer } = (await import(pathToFileURL(path).href)) as ModelServerRoom;
  return startModelServer({ behaviour: 'code-script' });
}
