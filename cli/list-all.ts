interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

const PAGE = 500;

/** Every item of a list that pages by cursor. */
export async function listAll<T>(page: (query: { limit: number; cursor?: string }) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const next: Page<T> = await page({ limit: PAGE, ...(cursor === null ? {} : { cursor }) });
    items.push(...next.items);
    cursor = next.nextCursor;
  } while (cursor !== null);
  return items;
}
