import { AppError, ARCHIVE_CHUNK_BYTES } from '@nightshift/protocol';
import { dataOf, type Api } from '../client.js';
import type { PackedTree } from './pack-tree.js';

/** Sends what the control plane does not have yet of an archive. @returns how many bytes that were; 0 when it had it all. */
export async function uploadTree(api: Api, { id, bytes }: PackedTree): Promise<number> {
  const path = { id };
  const known = await dataOf(api.GET('/v1/archives/{id}', { params: { path } })).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'not_found') return null;
    throw error;
  });
  const start = known?.received ?? 0;
  // Of what is there already the last byte is sent again, so that a clean-up leaves it to the run that comes now.
  for (let offset = Math.min(start, bytes.length - 1); offset < bytes.length;) {
    const part = bytes.subarray(offset, offset + ARCHIVE_CHUNK_BYTES);
    const { received } = await dataOf(
      api.PUT('/v1/archives/{id}', {
        params: { path, query: { offset, size: bytes.length } },
        headers: { 'content-type': 'application/octet-stream' },
        body: part as unknown as string,
        bodySerializer: (body) => body as unknown as Uint8Array<ArrayBuffer>,
      }),
    );
    offset = received;
  }
  return bytes.length - start;
}
