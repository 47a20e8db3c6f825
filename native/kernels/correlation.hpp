// Correlation of a patch's features with template kernels, summed over channels, by Fourier transforms.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned_memory.hpp"
#include "base/task.hpp"

namespace medlsam {

struct CorrelationScratch {
  AlignedFloats sums, result;
  std::vector<AlignedFloats> workers;
};

// A box of positions (z, y, x). A kernel's position is where its first voxel lies; it may begin up to
// kLargestKernel / 2 before the features and end behind them.
struct Positions {
  std::array<int, 3> first{}, count{};
};

struct CorrelationInput {
  const float* features = nullptr;          // (channels, edge, edge, edge)
  const float* weights = nullptr;           // (edge, edge, edge): factor of all channels of a voxel
  std::span<const float* const> kernels{};  // each (channels, size, size, size)
  int channels = 0, edge = 0, size = 0;
  Positions positions;
};

// values[z, y, x] = length² · Σ_c Σ_d in[c, first + (z, y, x) + d] · kernel[c, d], in = features · weights,
// zero outside. Only values within the count of positions mean something.
struct Correlation {
  const float* values = nullptr;  // (count[0], length, stride), in `scratch`: valid until its next use
  int length = 0, stride = 0;
};

inline constexpr int kLongestTransform = 72, kLargestKernel = 8;

// One correlation for each kernel; what is done with the features is done once for all. Only features and
// weights that the positions touch are read. Requires even size ≤ kLargestKernel and count + size − 1 ≤
// kLongestTransform along y and x; cheaper up to 56, 36, 28 and 18. The order of the sums, and so the result
// to the bit, does not depend on the number of threads, of which four have work, or of kernels. Throws
// kAborted.
std::vector<Correlation> correlate(const CorrelationInput& input, CorrelationScratch& scratch,
                                   const Task& task);

}  // namespace medlsam
