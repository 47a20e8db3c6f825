// Random numbers that depend on a seed and a purpose, never on the order of computation.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>

#include "base/random.hpp"

namespace medlsam::phantom {

// The purpose of a stream of random numbers. The patient does not depend on what is drawn for the scan.
enum class Stream : std::uint32_t {
  kSubject = 1,
  kPosture,
  kScan,
  kLimbs,
  kChest,
  kLungs,
  kAbdomen,
  kBowel,
  kPelvis,
  kSkeleton,
  kHead,
  kDeformation,
  kTexture,
  kNoise,
  kPose,
  kTissue,
  kScanner,
};

inline std::uint32_t stream_key(std::uint32_t seed, Stream stream) {
  return lowbias32(lowbias32(seed) + 0x9e3779b9U * static_cast<std::uint32_t>(stream));
}

// A number in [0, 1) from 24 bits, so that a float holds every value exactly.
inline float unit(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 0x1p-24F;
}

class Draw {
 public:
  Draw(std::uint32_t seed, Stream stream) : key_(stream_key(seed, stream)) {}

  std::uint32_t bits() { return lowbias32(key_ + lowbias32(count_++)); }
  float uniform(float from, float to) { return from + (to - from) * unit(bits()); }
  bool chance(float probability) { return unit(bits()) < probability; }

  // The sum of six uniform numbers: nearly normal, and never more than 2.45 standard deviations off.
  float normal(float mean, float deviation) {
    float sum = -3;
    for (int i = 0; i < 6; ++i) sum += unit(bits());
    return mean + deviation * sum * 1.41421356F;
  }

  // A factor around 1 with a normal logarithm.
  float factor(float deviation) { return std::exp(normal(0, deviation)); }

  // An index, drawn with probability proportional to its weight.
  int pick(std::initializer_list<float> weights) {
    float total = 0;
    for (const float weight : weights) total += weight;
    float left = uniform(0, total);
    int index = 0;
    for (const float weight : weights) {
      if (left < weight) return index;
      left -= weight;
      ++index;
    }
    return index - 1;
  }

 private:
  std::uint32_t key_;
  std::uint32_t count_ = 0;
};

}  // namespace medlsam::phantom
