/** How well a number tells two groups apart. The package decides presence by fixed thresholds and has no such measure. */

/**
 * The probability that one of `positives` is greater than one of `negatives`, ties counting half (Mann–Whitney); NaN
 * where either group is empty.
 */
export function auc(positives, negatives) {
  const all = [
    ...positives.map((value) => ({ value, positive: true })),
    ...negatives.map((value) => ({ value, positive: false })),
  ].sort((a, b) => a.value - b.value);
  let ranks = 0;
  for (let first = 0; first < all.length; ) {
    let next = first;
    while (next < all.length && all[next].value === all[first].value) next++;
    const rank = (first + 1 + next) / 2;
    for (let i = first; i < next; i++) if (all[i].positive) ranks += rank;
    first = next;
  }
  const n = positives.length;
  return (ranks - (n * (n + 1)) / 2) / (n * negatives.length);
}

/**
 * The threshold that makes the mean of both error rates least when what reaches it is called positive, and those rates.
 */
export function bestThreshold(positives, negatives) {
  const rates = (threshold) => ({
    threshold,
    missed: positives.filter((value) => value < threshold).length / positives.length,
    false: negatives.filter((value) => value >= threshold).length / negatives.length,
  });
  return positives
    .map(rates)
    .reduce((best, next) => (next.missed + next.false < best.missed + best.false ? next : best), {
      threshold: Number.NaN,
      missed: 1,
      false: 1,
    });
}
