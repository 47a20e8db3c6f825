/** What came of preparing an item. */
export type Prepared<Item, Ready> = { item: Item } & (
  | { ready: Ready; error?: undefined }
  | { ready?: undefined; error: unknown }
);

/**
 * Prepares each item while the one before is being worked on: two are held at a time. One that cannot be prepared is given
 * with its error. Leaving the loop early waits for the one under way and drops it.
 */
export async function* ahead<Item, Ready>(
  items: readonly Item[],
  prepare: (item: Item) => Promise<Ready>,
  drop: (ready: Ready) => void,
): AsyncGenerator<Prepared<Item, Ready>> {
  const begin = async (item: Item): Promise<Prepared<Item, Ready>> => {
    try {
      return { item, ready: await prepare(item) };
    } catch (error) {
      return { item, error };
    }
  };
  let next: Promise<Prepared<Item, Ready>> | undefined;
  try {
    for (const [i, item] of items.entries()) {
      const current = await (next ?? begin(item));
      const following = items[i + 1];
      next = following === undefined ? undefined : begin(following);
      yield current;
    }
    next = undefined;
  } finally {
    const left = await next;
    if (left?.ready !== undefined) drop(left.ready);
  }
}
