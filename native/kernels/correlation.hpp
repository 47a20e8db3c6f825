// Correlation of a patch's features with a template kernel, summed over channels, by Fourier transforms.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <vector>

#include "base/task.hpp"

namespace medlsam {

// A reusable buffer of floats on cache-line boundaries: new memory would cost a page fault every 4 KB in each
// call.
class ScratchBuffer {
 public:
  ScratchBuffer() = default;
  ScratchBuffer(ScratchBuffer&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  ScratchBuffer& operator=(ScratchBuffer&&) = delete;
  ~ScratchBuffer() { release(); }

  // At least `size` floats, with values left over from earlier uses. A larger size moves the buffer.
  float* reserve(std::size_t size) {
    if (size > size_) {
      release();
      data_ = static_cast<float*>(::operator new(size * sizeof(float), kAlignment));
      size_ = size;
    }
    return data_;
  }

 private:
  static constexpr std::align_val_t kAlignment{64};
  void release() {
    ::operator delete(data_, kAlignment);
    data_ = nullptr;
    size_ = 0;
  }

  float* data_ = nullptr;
  std::size_t size_ = 0;
};

struct CorrelationScratch {
  ScratchBuffer slabs, kernels, sums, result;
  std::vector<ScratchBuffer> workers;
};

struct CorrelationInput {
  const float* features = nullptr;  // (channels, edge, edge, edge)
  const float* weights = nullptr;   // (edge, edge, edge): factor of all channels of a voxel
  const float* kernel = nullptr;    // (channels, size, size, size)
  int channels = 0, edge = 0, size = 0;
};

// A circular correlation on a grid of length³: values[m] = length³ · Σ_c Σ_d in[c, m + d] · kernel[c, d],
// indices (z, y, x) modulo `length`, in = features · weights, zero from `edge` on. length ≥ edge + size, so
// that m = −size … edge−1 wraps onto nothing.
struct Correlation {
  const float* values = nullptr;  // in `scratch`: valid until its next use
  int length = 0;
};

inline constexpr int kLargestFeatures = 64, kLargestKernel = 8;

// Requires edge ≤ kLargestFeatures and size ≤ kLargestKernel; cheaper up to 32 and 4, and up to 16 and 2. The
// order of the sums, and so the result to the bit, does not depend on the number of threads. Throws kAborted.
Correlation correlate(const CorrelationInput& input, CorrelationScratch& scratch, const Task& task);

}  // namespace medlsam
