// Random numbers that are the same on every machine: generators and a hash of integers, each under the name
// by which it is published.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <numbers>

namespace medlsam {

// The hash "lowbias32" (Wellons, 2018): a bijection of 32-bit numbers in which every output bit depends on
// every input bit.
inline std::uint32_t lowbias32(std::uint32_t bits) {
  bits = (bits ^ (bits >> 16)) * 0x7feb352dU;
  bits = (bits ^ (bits >> 15)) * 0x846ca68bU;
  return bits ^ (bits >> 16);
}

// Mulberry32 (Ettinger, 2017). bench/support/random.mjs draws the same numbers.
class Mulberry32 {
 public:
  explicit Mulberry32(std::uint32_t seed) : state_(seed) {}

  std::uint32_t next() {
    state_ += 0x6d2b79f5;
    std::uint32_t mixed = (state_ ^ (state_ >> 15)) * (state_ | 1);
    mixed ^= mixed + (mixed ^ (mixed >> 7)) * (mixed | 61);
    return mixed ^ (mixed >> 14);
  }
  double uniform() { return next() * 0x1p-32; }  // [0, 1)

 private:
  std::uint32_t state_;
};

// SplitMix64 (Steele, Lea and Flood, 2014).
class SplitMix64 {
 public:
  // The stream that these numbers name, such as a seed, a purpose and a step.
  explicit SplitMix64(std::initializer_list<std::uint64_t> names) {
    for (const std::uint64_t name : names) state_ = mix(state_ + kStep + name);
  }

  std::uint64_t next() { return mix(state_ += kStep); }
  static constexpr std::uint64_t kNormal = 2;  // numbers that normal() takes
  // Passes over as many numbers.
  void skip(std::uint64_t count) { state_ += count * kStep; }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
  float uniform(float low, float high) { return low + (high - low) * static_cast<float>(uniform()); }
  bool chance(double probability) { return uniform() < probability; }
  std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(uniform() * static_cast<double>(count));
  }
  float normal() {  // Box and Muller; the second of each pair is not kept, so that the state is one number
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return static_cast<float>(radius * std::cos(2 * std::numbers::pi * uniform()));
  }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_ = 0;
};

}  // namespace medlsam
