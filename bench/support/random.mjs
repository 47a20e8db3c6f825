/**
 * Seeded uniform numbers in [0, 1): Mulberry32, good enough for weights and noise. native/base/random.hpp has the same
 * generator, but the package exports no random numbers, and inputs of benchmarks are no reason to.
 */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
