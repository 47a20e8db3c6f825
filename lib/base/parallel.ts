/** Calls `act` for every item, `count` at a time; the first failure ends it once those under way have ended. */
export async function inParallel<Item>(
  count: number,
  items: readonly Item[],
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of rest) {
      if (failed) return;
      await act(item).catch((error) => {
        failed = true;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: count }, worker));
  for (const each of ended) if (each.status === "rejected") throw each.reason;
}
