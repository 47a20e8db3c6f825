#include "base/random.hpp"

#include <doctest/doctest.h>

using namespace medlsam;

TEST_CASE("random: SplitMix64 gives the published numbers") {
  // Its authors' first numbers for seed 0; a stream without names begins there.
  SplitMix64 random({});
  CHECK(random.next() == 0xe220a8397b1dcdaf);
  CHECK(random.next() == 0x6e789e6aa1b965f4);
  CHECK(random.next() == 0x06c45d188009454f);
}

TEST_CASE("random: SplitMix64 passes over the numbers that its draws take") {
  SplitMix64 drawn({3, 5}), skipped({3, 5});
  (void)drawn.normal();
  (void)drawn.below(9);
  (void)drawn.chance(0.5);
  skipped.skip(SplitMix64::kNormal + 2);
  CHECK(drawn.next() == skipped.next());
  CHECK(SplitMix64({3, 5}).next() != SplitMix64({5, 3}).next());
}

TEST_CASE("random: Mulberry32 gives the numbers of its JavaScript original") {
  Mulberry32 random(1);
  CHECK(random.next() == 2693262067U);
  CHECK(random.next() == 11749833U);
  CHECK(random.next() == 2265367787U);
  CHECK(Mulberry32(1).uniform() == 2693262067.0 / 4294967296.0);
}

TEST_CASE("random: lowbias32 is the published hash") {
  // From the same formula in Python.
  CHECK(lowbias32(0) == 0U);
  CHECK(lowbias32(1) == 1753845952U);
  CHECK(lowbias32(12345) == 2435775735U);
  CHECK(lowbias32(0xffffffffU) == 1734902346U);
}
