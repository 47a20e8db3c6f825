// Kernels of template points in the memory of a GPU (algorithm.md part 4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/elements.hpp"
#include "kernels/cuda/memory.hpp"

namespace medlsam::cuda {

// The kernels as they are for float32, and rearranged for tensor cores
// where those can serve.
class TemplateKernels {
 public:
  // `kernels[scale]`: (points, channels, size³) on the host. Throws kBadArgument for sizes that are not even
  // and at most 8.
  TemplateKernels(int device, std::int32_t points, std::int32_t channels, std::span<const std::int32_t> sizes,
                  std::span<const float* const> kernels);

  struct Scale {
    int size = 0;
    DeviceArray<float> plain;  // (points, channels, size³)
    DeviceArray<Half> rows;    // (points, dz, dy, 8, channels); empty where tensor cores do not serve
  };
  int device() const { return device_; }
  int points() const { return points_; }
  int channels() const { return channels_; }
  const Scale& scale(int i) const { return scales_.at(i); }
  int scales() const { return static_cast<int>(scales_.size()); }

 private:
  int device_, points_, channels_;
  std::vector<Scale> scales_;
};

}  // namespace medlsam::cuda
